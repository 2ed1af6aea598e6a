import { createHash } from 'node:crypto';
import type { Hasher } from './sha256.ts';

/** SHA-256 by node:crypto, which uses the processor's SHA instructions. */
export function nodeHasher(): Hasher {
  const hash = createHash('sha256');
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest('hex'),
  };
}
