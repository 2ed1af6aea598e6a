import { UsageError } from '../errors.ts';
import { chatPrompt } from '../formats/chatTemplate.ts';
import { textTokenizer } from '../formats/textTokenizer.ts';
import type { GenerationDefaults } from '../formats/generationDefaults.ts';
import { shortJson } from '../formats/quoted.ts';
import { complete, encodeChat, encodePrompt, type Completion, type CompletionEnd } from '../model/completion.ts';
import { turn } from '../model/eventLoop.ts';
import { checkSampling } from '../model/sampler.ts';
import { checkStopStrings } from '../model/stopStrings.ts';
import { seededRng } from '../tensor/rng.ts';
import { openPruned, type ModelOptions } from './openRun.ts';
import { escapesRead } from './options.ts';
import { prunedWords, repairField, type PrunedOptions } from './runEdits.ts';
import { Terminal } from './terminal.ts';

export interface GenerateCommandOptions extends ModelOptions, PrunedOptions {
  prompt: string;
  chat: boolean;
  system?: string;
  maxTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  seed: number;
  stop?: string[];
  json: boolean;
  quiet: boolean;
}

/** Fields of generation_config.json that are options here. */
const OPTIONS = { temperature: '--temperature', top_k: '--top-k', top_p: '--top-p' } as const;

/** `blockpruner generate MODEL --prompt …`: continues a text, with blocks switched off if asked. */
export async function generateCommand(argument: string, options: GenerateCommandOptions): Promise<void> {
  const terminal = new Terminal(options);
  const { temperature, topK, topP } = options;
  const sampling = { temperature, topK, topP };
  checkSampling(sampling);
  const stop = (options.stop ?? []).map(escapesRead);
  checkStopStrings(stop);
  if (options.system !== undefined && !options.chat) throw new UsageError('--system goes with --chat.');
  const { opened, model, mask, repair, close } = await openPruned(argument, options, terminal);
  try {
    const tokenizer = textTokenizer(opened, '--prompt');
    const { generation } = opened;
    const chat = options.chat ? await chatPrompt(opened, options.prompt, options.system ?? null) : null;
    const prompt = chat === null ? encodePrompt(tokenizer, options.prompt) : encodeChat(tokenizer, chat);
    if (chat === null && prompt.bos === 'in the text')
      terminal.note('the prompt begins with a BOS, so no second one was added');
    if (repair !== null) terminal.note(prunedWords(mask, repair));
    for (const line of suggestion(generation)) terminal.note(line);
    const started = performance.now();
    // Of a chat the answer alone.
    const begin = chat === null ? tokenizer.decode(prompt.ids) : '';
    if (!options.json) process.stdout.write(begin);
    const { endTokenIds } = generation;
    const settings = { maxTokens: options.maxTokens, sampling, rng: seededRng(options.seed), endTokenIds, stop };
    const pieces = complete(model, tokenizer, prompt, mask, settings);
    const completion = await written(
      pieces,
      begin,
      options.json ? () => undefined : (piece) => process.stdout.write(piece),
      () => opened.weights.assertUnchanged(),
    );
    const { ids, text, stoppedBy, endTokenId, stopString } = completion;
    const seconds = (performance.now() - started) / 1000;
    const tokensPerSecond = ids.length / seconds;
    if (options.json) {
      terminal.document({
        schema: 'blockpruner.generate/1',
        prompt: options.prompt,
        ...(chat === null ? {} : { chat: { system: options.system ?? null, text: chat } }),
        mask: mask.toString(),
        ...repairField(repair),
        bos: prompt.bos,
        completion: text,
        ids,
        stoppedBy,
        endTokenId,
        stopString,
        sampling: { ...sampling, seed: options.seed, maxTokens: options.maxTokens, stop },
        generation,
        backend: model.backend.description,
        seconds,
        tokensPerSecond,
      });
    }
    terminal.result('');
    const speed = `${seconds.toFixed(1)} s (${tokensPerSecond.toFixed(1)} a second)`;
    const { maxPositionEmbeddings: context } = model.config;
    const end = endWords(completion, {
      endTokensFrom: generation.endTokensFrom,
      maxTokens: options.maxTokens,
      context,
    });
    terminal.note(`${ids.length} tokens in ${speed}; stopped by: ${end}`);
  } finally {
    await close();
  }
}

/** `end token 2 of generation_config.json`, `stop string "\\n"`, `--max-tokens 64` */
function endWords(
  { stoppedBy, endTokenId, stopString }: CompletionEnd,
  from: { endTokensFrom: string; maxTokens: number; context: number },
): string {
  switch (stoppedBy) {
    case 'end token':
      return `${stoppedBy} ${endTokenId} of ${from.endTokensFrom}`;
    case 'stop string':
      return `${stoppedBy} ${JSON.stringify(stopString)}`;
    case 'max tokens':
      return `--max-tokens ${from.maxTokens}`;
    case 'context':
      return `a full context (${from.context} tokens)`;
  }
}

/**
 * Writes the pieces as they come and checks `atEnd` that they hold; `before` is written already. A
 * text that breaks off ends its line, so that the error has one of its own.
 */
async function written(
  pieces: AsyncGenerator<string, Completion>,
  before: string,
  write: (piece: string) => unknown,
  atEnd: () => Promise<void>,
): Promise<Completion> {
  let begun = before !== '';
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done === true) {
        await atEnd();
        return next.value;
      }
      begun ||= next.value !== '';
      write(next.value);
      await turn();
    }
  } catch (error) {
    if (begun) write('\n');
    throw error;
  }
}

/** What the model's authors suggest, which is shown and not imposed. */
function suggestion({ suggested, suggestedBy }: GenerationDefaults): string[] {
  if (suggestedBy === null) return [];
  const all = Object.entries(suggested).map(([field, value]) => `${field} ${shortJson(value)}`);
  const given = Object.entries(OPTIONS).filter(([field]) => typeof suggested[field] === 'number');
  const command = given.map(([field, option]) => `${option} ${String(suggested[field])}`).join(' ');
  const how = command === '' ? '' : `; to follow it: ${command}`;
  return [`${suggestedBy} suggests ${all.join(', ')}; not applied${how}`];
}
