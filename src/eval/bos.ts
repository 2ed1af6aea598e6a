/** The beginning-of-sequence token: where it goes, and which one it is. */
import { DataError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/**
 * Where a beginning-of-sequence token goes: `none`; `stream` once at the very start; `chunk` at the
 * start of every chunk (in place of its last token, so that chunks keep their length); `auto` =
 * `stream` if the tokenizer itself adds one, else `none`. Token ids from a .json never get one
 * under `auto`. Data that begin with a BOS already never get a second one before it.
 */
export type BosPolicy = 'auto' | 'none' | 'stream' | 'chunk';

/** Where it is put. */
export type BosPlace = 'none' | 'stream' | 'chunk';

/** What a policy comes to for some data. */
export function bosPolicy(kind: 'rows' | 'ids', tokenizer: Tokenizer | null, wanted: BosPolicy): BosPlace {
  if (wanted !== 'auto') return wanted;
  return kind === 'rows' && tokenizer?.addsBos === true ? 'stream' : 'none';
}

/** @throws DataError where there is none. */
export function bosToken(name: string, config: ModelConfig, tokenizer: Tokenizer | null): number {
  const id = knownBos(config, tokenizer);
  if (id === null) throw new DataError('the model has no BOS token.', { where: name, remedy: 'Use --bos none.' });
  return id;
}

export function knownBos(config: ModelConfig, tokenizer: Tokenizer | null): number | null {
  return tokenizer?.bosTokenId ?? config.bosTokenId;
}

export function withBos(bosId: number, ids: Int32Array): Int32Array {
  const all = new Int32Array(ids.length + 1);
  all[0] = bosId;
  all.set(ids, 1);
  return all;
}

/** A text's ids with the BOS that its place asks for, never with a second one. */
export function placeBos(ids: Int32Array, bos: BosPlace, bosId: number | null): Int32Array {
  const begins = ids.length > 0 && ids[0] === bosId;
  if (bos === 'stream' && bosId !== null && !begins) return withBos(bosId, ids);
  // Every chunk gets one, the first chunk too.
  return bos === 'chunk' && begins ? ids.subarray(1) : ids;
}
