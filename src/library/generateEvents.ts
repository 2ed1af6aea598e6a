import { UsageError } from '../errors.ts';
import { chatPrompt } from '../formats/chatTemplate.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import { textTokenizer } from '../formats/textTokenizer.ts';
import { complete, encodeChat, encodePrompt, type Completion } from '../model/completion.ts';
import type { Mask } from '../model/mask.ts';
import { checkSampling } from '../model/sampler.ts';
import type { Transformer } from '../model/transformer.ts';
import { seededRng } from '../tensor/rng.ts';
import { checkOptions, generateRules } from './options.ts';
import type { GenerateSettings } from './settings.ts';

/** What a text takes from the model that writes it. */
export interface Writer {
  readonly opened: OpenedModel;
  readonly pruned: () => Promise<{ model: Transformer; mask: Mask }>;
}

/** One call of `generate`: the text piece by piece, then the whole. @throws as `Model.generate`. */
export async function* generateEvents(
  prompt: string,
  settings: GenerateSettings,
  { opened, pruned }: Writer,
): AsyncGenerator<string, Completion> {
  checkOptions(settings, generateRules);
  const { maxTokens = 64, temperature = 0, topK = 0, topP = 1, seed = 0 } = settings;
  const sampling = { temperature, topK, topP };
  checkSampling(sampling);
  const { chat = false, system = null } = settings;
  if (system !== null && !chat) throw new UsageError('--system goes with --chat.');
  const { model, mask } = await pruned();
  const tokenizer = textTokenizer(opened, 'prompt');
  const encoded = chat
    ? encodeChat(tokenizer, await chatPrompt(opened, prompt, system))
    : encodePrompt(tokenizer, prompt);
  const { endTokenIds } = opened.generation;
  const stop = typeof settings.stop === 'string' ? [settings.stop] : settings.stop;
  const options = { maxTokens, sampling, rng: seededRng(seed), endTokenIds, stop };
  const completion = yield* complete(model, tokenizer, encoded, mask, options);
  await opened.weights.assertUnchanged();
  return completion;
}
