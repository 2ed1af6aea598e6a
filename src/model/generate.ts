import { DataError } from '../errors.ts';
import type { Rng } from '../tensor/rng.ts';
import type { Mask } from './mask.ts';
import { checkSampling, sampleToken, type SamplingSettings } from './sampler.ts';
import type { Transformer } from './transformer.ts';

export interface GenerateOptions {
  /** Tokens to add at most; generation also ends at an end-of-sequence token or at the model's context. */
  maxTokens: number;
  sampling: SamplingSettings;
  /** Source of randomness; same seed, same text. Not used by greedy sampling. */
  rng: Rng;
}

/**
 * Continues `prompt` (ids) under a mask, token by token, with a KV cache that has slots for the surviving MHA blocks
 * only. The end-of-sequence token is not yielded.
 * @throws DataError for an empty prompt or one as long as the context.
 */
export async function* generate(
  model: Transformer,
  prompt: readonly number[],
  mask: Mask,
  options: GenerateOptions,
): AsyncGenerator<number, void> {
  checkSampling(options.sampling);
  const { maxPositionEmbeddings, eosTokenIds } = model.config;
  if (prompt.length === 0) throw new DataError('the prompt has no token.', { remedy: 'Give at least one word.' });
  if (prompt.length >= maxPositionEmbeddings) {
    throw new DataError(`the prompt's ${prompt.length} tokens fill the model's context of ${maxPositionEmbeddings}.`, {
      remedy: 'Shorten it.',
    });
  }
  const count = Math.min(options.maxTokens, maxPositionEmbeddings - prompt.length);
  const cache = model.kvCache(mask, prompt.length + count);
  try {
    let next = Int32Array.from(prompt);
    for (let made = 0; made < count; made++) {
      const logits = await model.continueSequence(next, mask, cache);
      const id = sampleToken(logits, options.sampling, options.rng);
      if (eosTokenIds.includes(id)) return;
      yield id;
      next = Int32Array.of(id);
    }
  } finally {
    cache.free();
  }
}
