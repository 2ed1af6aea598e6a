/** A run's sample text: of the whole model, of the pruned one, and of the repaired one. */
import { NonFiniteError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import type { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Journal } from './journal.ts';
import { resultOf } from './mapEvents.ts';
import { once } from './once.ts';
import type { Repairs } from './repair/repairs.ts';
import type { PruneResult } from './result.ts';
import { continuation, samplePrompt, sampleText } from './sample.ts';

interface Drawn {
  readonly model: Transformer;
  readonly chunks: Chunks;
  readonly tokenizer: Tokenizer;
  readonly endTokenIds?: readonly number[];
}

/**
 * The sample, from the journal where it holds it; null without a tokenizer, or where logits are not
 * finite: the search is done, and its result is not lost for a text that cannot be drawn.
 * @param repairs null where the result was not repaired.
 */
export async function sampleOnce(
  { tokenizer, ...options }: Omit<Drawn, 'tokenizer'> & { readonly tokenizer: Tokenizer | null },
  journal: Journal,
  mask: Mask,
  repairs: Repairs | null,
): Promise<PruneResult['sample']> {
  if (tokenizer === null) return null;
  try {
    const drawn = { ...options, tokenizer };
    const { prompt, before, after } = await plainSample(drawn, journal, mask);
    if (repairs === null) return { prompt, before, after };
    return { prompt, before, after, repaired: await repairedSample(drawn, journal, mask, repairs) };
  } catch (error) {
    if (error instanceof NonFiniteError) return null;
    throw error;
  }
}

async function plainSample(
  { model, tokenizer, chunks, endTokenIds = model.config.eosTokenIds }: Drawn,
  journal: Journal,
  mask: Mask,
): Promise<{ prompt: string; before: string; after: string }> {
  const prompt = samplePrompt(tokenizer, chunks.ids[0]);
  const kept = journal.sample(mask.toString(), tokenizer.decode(prompt));
  if (kept !== null) return kept;
  const sample = await sampleText(model, tokenizer, prompt, mask, endTokenIds);
  await journal.addSample(sample);
  return sample;
}

function repairedSample(
  { model, tokenizer, chunks, endTokenIds = model.config.eosTokenIds }: Drawn,
  journal: Journal,
  mask: Mask,
  repairs: Repairs,
): Promise<string> {
  const prompt = samplePrompt(tokenizer, chunks.ids[0]);
  const key = `sample: ${repairs.words} of ${mask.toString()}, continuing ${tokenizer.decode(prompt)}`;
  const draw = async (): Promise<string> => {
    const repaired = await repairs.model(mask);
    try {
      return await continuation(repaired, tokenizer, prompt, mask, endTokenIds);
    } finally {
      repaired.free();
    }
  };
  return resultOf(once(journal, key, draw));
}
