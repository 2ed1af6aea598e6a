/** A greedy continuation of the data's own opening words, dense and pruned: what the numbers sound like. */
import { generate } from '../model/generate.ts';
import { Mask } from '../model/mask.ts';
import { greedy } from '../model/sampler.ts';
import type { Transformer } from '../model/transformer.ts';
import { seededRng } from '../tensor/rng.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { SampleRecord } from './journal.ts';

const MAX_PROMPT_TOKENS = 24;
const NEW_TOKENS = 48;

/** The opening tokens of a chunk. */
export function samplePrompt(ids: Int32Array): number[] {
  return [...ids.subarray(0, Math.min(MAX_PROMPT_TOKENS, Math.ceil(ids.length / 4)))];
}

/** What the model makes of `prompt`, whole and under a mask. */
export async function sampleText(
  model: Transformer,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  mask: Mask,
): Promise<SampleRecord> {
  const started = performance.now();
  const before = await continuation(model, tokenizer, prompt, Mask.empty);
  const after = await continuation(model, tokenizer, prompt, mask);
  const seconds = (performance.now() - started) / 1000;
  return { type: 'sample', mask: mask.toString(), prompt: tokenizer.decode(prompt), before, after, seconds };
}

/** The continuation alone: the text of prompt and continuation less the prompt's, as tokens may join into one character. */
async function continuation(
  model: Transformer,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  mask: Mask,
): Promise<string> {
  const ids = [...prompt];
  const options = { maxTokens: NEW_TOKENS, sampling: greedy, rng: seededRng(0) };
  for await (const id of generate(model, prompt, mask, options)) ids.push(id);
  return tokenizer.decode(ids).slice(tokenizer.decode(prompt).length);
}
