/**
 * A checkpoint's checksum: SHA-256 over the whole file with zeros in the checksum's own place,
 * which is the first entry of the header, so that it is always found at the same bytes.
 */
import { FormatError } from '../errors.ts';
import type { Hasher } from '../platform/sha256.ts';

/** A header's length in front, then the header. */
const PREFIX = 8;
const SEALED = '{"__metadata__":{"sha256":"';
/** How a checkpoint of version 0.1 begins, which has no checksum. */
const UNCHECKED = '{"__metadata__":{"steps":"';
const AT = PREFIX + SEALED.length;
/** What stands in the place of a checksum while it is taken. */
export const BLANK_SUM: string = '0'.repeat(64);
/** Bytes hashed at once: a hash takes less than 2 GiB. */
const PIECE = 2 ** 28;

/** Writes the checksum into a file whose first metadata entry is `sha256`: BLANK_SUM. */
export function seal(file: Uint8Array, newHasher: () => Hasher): void {
  file.set(new TextEncoder().encode(sumOf(file, newHasher)), AT);
}

/**
 * Compares a file with its checksum.
 * @returns false for a file of version 0.1, which has none.
 * @throws FormatError where it does not fit.
 */
export function checkSum(file: Uint8Array, name: string, newHasher: () => Hasher): boolean {
  const start = new TextDecoder().decode(file.subarray(PREFIX, AT + BLANK_SUM.length));
  if (start.startsWith(UNCHECKED)) return false;
  if (start === `${SEALED}${sumOf(file, newHasher)}`) return true;
  throw new FormatError('is damaged, or not a checkpoint: its checksum does not fit.', {
    where: name,
    remedy: 'Use another --out; this file is kept as it is.',
  });
}

function sumOf(file: Uint8Array, newHasher: () => Hasher): string {
  const hasher = newHasher();
  hasher.update(file.subarray(0, AT));
  hasher.update(new TextEncoder().encode(BLANK_SUM));
  for (let at = AT + BLANK_SUM.length; at < file.length; at += PIECE) hasher.update(file.subarray(at, at + PIECE));
  return hasher.digest();
}
