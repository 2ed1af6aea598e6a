/**
 * A continuation of the data's own opening words, dense and pruned: what the numbers sound like.
 */
import { generate } from '../model/generate.ts';
import { Mask } from '../model/mask.ts';
import type { SamplingSettings } from '../model/sampler.ts';
import type { Transformer } from '../model/transformer.ts';
import { seededRng } from '../tensor/rng.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { SampleRecord } from './journalRecords.ts';

/**
 * Of a usual vocabulary, whose tokens have about four bytes; of smaller ones as much text, in more
 * tokens.
 */
const MAX_PROMPT_TOKENS = 24;
const NEW_TOKENS = 48;
const USUAL_BYTES = 4;
/**
 * Drawn, always with the same luck: the likeliest words alone go round in circles, which pruned
 * models are not needed for.
 */
const SAMPLING: SamplingSettings = { temperature: 0.6, topK: 0, topP: 1 };

/** How many tokens of this tokenizer take the place of a usual one's, 1 … 4. */
function tokensPerUsual(tokenizer: Tokenizer, ids: readonly number[]): number {
  const bytes = ids.reduce((sum, id) => sum + tokenizer.byteLength(id), 0);
  return Math.max(1, Math.min(USUAL_BYTES, Math.round((USUAL_BYTES * ids.length) / bytes)));
}

/** The opening tokens of a chunk. */
export function samplePrompt(tokenizer: Tokenizer, ids: Int32Array): number[] {
  const most = MAX_PROMPT_TOKENS * tokensPerUsual(tokenizer, [...ids]);
  return [...ids.subarray(0, Math.min(most, Math.ceil(ids.length / 4)))];
}

/** Tokens that a sample of one model draws at most. */
export function sampleTokens(tokenizer: Tokenizer, ids: Int32Array): number {
  const prompt = samplePrompt(tokenizer, ids);
  return NEW_TOKENS * tokensPerUsual(tokenizer, prompt);
}

/** What the model makes of `prompt`, whole and under a mask. */
export async function sampleText(
  model: Transformer,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  mask: Mask,
  endTokenIds: readonly number[],
): Promise<SampleRecord> {
  const started = performance.now();
  const before = await continuation(model, tokenizer, prompt, Mask.empty, endTokenIds);
  const after = await continuation(model, tokenizer, prompt, mask, endTokenIds);
  const seconds = (performance.now() - started) / 1000;
  return { type: 'sample', mask: mask.toString(), prompt: tokenizer.decode(prompt), before, after, seconds };
}

/**
 * What a model makes of `prompt`, the continuation alone: the text of prompt and continuation less
 * the prompt's, as tokens may join into one character.
 */
export async function continuation(
  model: Transformer,
  tokenizer: Tokenizer,
  prompt: readonly number[],
  mask: Mask,
  endTokenIds: readonly number[],
): Promise<string> {
  const ids = [...prompt];
  const maxTokens = NEW_TOKENS * tokensPerUsual(tokenizer, prompt);
  const options = { maxTokens, sampling: SAMPLING, rng: seededRng(0), endTokenIds };
  for await (const id of generate(model, prompt, mask, options)) ids.push(id);
  return tokenizer.decode(ids).slice(tokenizer.decode(prompt).length);
}
