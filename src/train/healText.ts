/** The text that healing trains on. */
import { DataError } from '../errors.ts';
import { checkIds } from '../eval/encodeData.ts';
import type { WeightSource } from '../model/weights.ts';
import type { Hasher } from '../platform/sha256.ts';

/** Tokens a training sequence has where neither an option nor the model's context says less. */
export const HEAL_SEQUENCE = 512;

export interface HealText {
  readonly name: string;
  /** Token ids; a training sequence may begin at any of them. */
  readonly stream: Int32Array;
  readonly seqLen: number;
  /** SHA-256 (hex) of the ids and of the model's weights: what a checkpoint belongs to. */
  readonly hash: string;
}

/**
 * A text's ids as what is trained on. Sequences begin anywhere, so that chunks, strides and a BOS
 * have no meaning here.
 * @throws DataError for ids outside the vocabulary, or fewer than a sequence takes.
 */
export async function healText(
  name: string,
  stream: Int32Array,
  seqLen: number,
  source: WeightSource,
  newHasher: () => Hasher,
): Promise<HealText> {
  checkIds(name, stream, source.config.vocabSize);
  if (stream.length <= seqLen) {
    throw new DataError(
      `${stream.length} tokens are fewer than a training sequence of ${seqLen} and the token after it.`,
      { where: name, remedy: 'Give more text, or lower --seq-len.' },
    );
  }
  const hasher = newHasher();
  hasher.update(new Uint8Array(stream.buffer, stream.byteOffset, stream.byteLength));
  hasher.update(new TextEncoder().encode(await source.contentHash(newHasher())));
  return { name, stream, seqLen, hash: hasher.digest() };
}
