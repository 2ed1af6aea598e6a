/** The beginning-of-sequence token: where it goes, and which one it is. */
import { DataError, UsageError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { withFirst } from './cuts.ts';
import type { ConventionName } from './namedConvention.ts';

/**
 * Where a beginning-of-sequence token goes: `none`; `stream` once at the very start; `chunk` at the
 * start of every chunk (in place of its last token, so that chunks keep their length); `auto` =
 * `stream` if the tokenizer itself adds one, else `none`. Token ids from a .json never get one
 * under `auto`. Data that begin with a BOS already never get a second one before it.
 */
export type BosPolicy = 'auto' | 'none' | 'stream' | 'chunk';

/**
 * Where it is put: `replaced` is in place of each chunk's first token, as llama.cpp has it; `text`
 * before each text.
 */
export type BosPlace = 'none' | 'stream' | 'chunk' | 'replaced' | 'text';

/** What was asked for. */
interface Wanted {
  readonly bos: BosPolicy;
  readonly convention: ConventionName;
}

/**
 * What a policy comes to for a stream.
 * @throws UsageError for a place that the convention does not have.
 */
export function bosPolicy(
  kind: 'rows' | 'ids',
  tokenizer: Tokenizer | null,
  { bos: wanted, convention }: Wanted,
): Exclude<BosPlace, 'text'> {
  const atStart = kind === 'rows' && tokenizer?.addsBos === true ? 'stream' : 'none';
  const bos = wanted === 'auto' ? atStart : wanted;
  if (bos === 'chunk' && convention !== 'paper' && convention !== 'token-mean') {
    throw new UsageError(`${convention} has a BOS of its own, or none.`, {
      where: '--bos',
      remedy: 'Use auto, none or stream, or --convention token-mean.',
    });
  }
  return bos === 'stream' && convention === 'llama.cpp' ? 'replaced' : bos;
}

/** @throws DataError where the model has no such token. */
export function bosToken(name: string, config: ModelConfig, tokenizer: Tokenizer | null): number {
  const id = knownBos(config, tokenizer);
  if (id === null) throw new DataError('the model has no BOS token.', { where: name, remedy: 'Use --bos none.' });
  return id;
}

export function knownBos(config: ModelConfig, tokenizer: Tokenizer | null): number | null {
  return tokenizer?.bosTokenId ?? config.bosTokenId;
}

/** A text's ids with the BOS that its place asks for, never with a second one. */
export function placeBos(ids: Int32Array, bos: BosPlace, bosId: number | null): Int32Array {
  const begins = ids.length > 0 && ids[0] === bosId;
  if ((bos === 'stream' || bos === 'replaced') && bosId !== null && !begins) return withFirst(bosId, ids);
  // Every chunk gets one, the first chunk too.
  return bos === 'chunk' && begins ? ids.subarray(1) : ids;
}

/**
 * What stands before each text, as in lm-eval: BOS, or the end-of-text token where there is none.
 * Token ids are taken as they are, as everywhere under `auto`.
 * @returns null where nothing does.
 * @throws DataError where there is no such token; UsageError for a place that the convention does
 * not have.
 */
export function textPrefix(
  name: string,
  kind: 'rows' | 'ids',
  config: ModelConfig,
  tokenizer: Tokenizer | null,
  { bos, convention }: Wanted,
): number | null {
  if (bos === 'stream' || bos === 'chunk' || (bos === 'none' && convention === 'word')) {
    throw new UsageError(`${convention} places a BOS before each text, not ${bos}.`, {
      where: '--bos',
      remedy: convention === 'word' ? 'Leave --bos out.' : 'Leave --bos out, or give none.',
    });
  }
  if (bos === 'none' || kind === 'ids') return null;
  const id = knownBos(config, tokenizer) ?? tokenizer?.eosTokenId ?? config.eosTokenIds.at(0) ?? null;
  if (id !== null) return id;
  throw new DataError('the model has neither a BOS nor an end-of-text token for a text to begin with.', {
    where: name,
    remedy: 'Use --convention document --bos none.',
  });
}
