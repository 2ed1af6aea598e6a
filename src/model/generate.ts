import { DataError, NonFiniteError } from '../errors.ts';
import type { Rng } from '../tensor/rng.ts';
import { continueSequence } from './continueSequence.ts';
import { KvCache } from './kvCache.ts';
import type { Mask } from './mask.ts';
import { checkSampling, sampleToken, type SamplingSettings } from './sampler.ts';
import { notFinite, traceNonFinite } from './traceNonFinite.ts';
import type { Transformer } from './transformer.ts';

export interface GenerateOptions {
  /**
   * Tokens to add at most; generation also ends at an end-of-sequence token or at the model's
   * context.
   */
  maxTokens: number;
  sampling: SamplingSettings;
  /** Source of randomness; same seed, same text. Not used by greedy sampling. */
  rng: Rng;
  /** Tokens that end a text, in place of the config's. */
  endTokenIds?: readonly number[];
}

/** Why a text ends. */
export interface GenerationEnd {
  /** `context`: the model has no more positions. */
  readonly stoppedBy: 'end token' | 'max tokens' | 'context';
  /** Which end-of-sequence token it was; null where it ended otherwise. */
  readonly endTokenId: number | null;
}

/**
 * Continues `prompt` (ids) under a mask, token by token, with a KV cache that has slots for the
 * surviving MHA blocks only. The end-of-sequence token is not yielded; the generator's return value
 * says why it ended.
 * @throws DataError for an empty prompt or one as long as the context; NonFiniteError for logits
 * that are NaN or infinite.
 */
export async function* generate(
  model: Transformer,
  prompt: readonly number[],
  mask: Mask,
  options: GenerateOptions,
): AsyncGenerator<number, GenerationEnd> {
  checkSampling(options.sampling);
  const { maxPositionEmbeddings } = model.config;
  const endTokenIds = options.endTokenIds ?? model.config.eosTokenIds;
  if (prompt.length === 0) throw new DataError('the prompt has no token.', { remedy: 'Give at least one word.' });
  if (prompt.length >= maxPositionEmbeddings) {
    throw new DataError(`the prompt's ${prompt.length} tokens fill the model's context of ${maxPositionEmbeddings}.`, {
      remedy: 'Shorten it.',
    });
  }
  const room = maxPositionEmbeddings - prompt.length;
  const count = Math.min(options.maxTokens, room);
  const cache = new KvCache(model.backend, model.config, mask, prompt.length + count);
  try {
    const ids = [...prompt];
    let next = Int32Array.from(prompt);
    for (let made = 0; made < count; made++) {
      const logits = await continueSequence(model, next, mask, cache);
      await checkLogits(model, logits, ids, mask);
      const id = sampleToken(logits, options.sampling, options.rng);
      if (endTokenIds.includes(id)) return { stoppedBy: 'end token', endTokenId: id };
      yield id;
      ids.push(id);
      next = Int32Array.of(id);
    }
    return { stoppedBy: options.maxTokens <= room ? 'max tokens' : 'context', endTokenId: null };
  } finally {
    cache.free();
  }
}

/**
 * No token can be drawn from logits that are not numbers: the likeliest would be the first,
 * whatever the model says.
 * @param ids the text so far.
 * @throws NonFiniteError naming the block and tensor where it begins.
 */
async function checkLogits(
  model: Transformer,
  logits: Float32Array,
  ids: readonly number[],
  mask: Mask,
): Promise<void> {
  const wrong = notFinite(logits);
  if (wrong < 0) return;
  const count = logits.reduce((sum, logit) => sum + (Number.isFinite(logit) ? 0 : 1), 0);
  // One token more, so that the last one of the text has a loss to look at, too.
  const origin = await traceNonFinite(model, Int32Array.from([...ids, ids[0]]), mask);
  const begins = origin === null ? '' : ` It begins in ${origin.place}: ${origin.reason}.`;
  throw new NonFiniteError(
    `the model gives ${logits[wrong]} as the logit of token ${wrong} (${count} of ${logits.length} are not finite).${begins}`,
    { where: `position ${ids.length}` },
  );
}
