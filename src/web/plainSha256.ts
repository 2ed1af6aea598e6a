/**
 * SHA-256 (FIPS 180-4) in plain TypeScript: a browser's own digest cannot be fed piece by piece.
 */
import type { Hasher } from '../platform/sha256.ts';

const BLOCK = 64;

/**
 * Fractional parts of the primes' roots: FIPS 180-4, 4.2.2 (cube roots, 64 primes) and 5.3.3
 * (square roots, 8).
 */
const primes = firstPrimes(64);
const roundConstants = Uint32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const initialState = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

/** An incremental SHA-256. */
export function plainSha256(): Hasher {
  const state = Uint32Array.from(initialState);
  const words = new Uint32Array(BLOCK);
  const pending = new Uint8Array(BLOCK);
  let length = 0;

  const update = (bytes: Uint8Array): void => {
    let at = 0;
    const held = length % BLOCK;
    length += bytes.length;
    if (held > 0) {
      at = Math.min(BLOCK - held, bytes.length);
      pending.set(bytes.subarray(0, at), held);
      if (held + at < BLOCK) return;
      compress(state, words, pending, 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) compress(state, words, bytes, at);
    pending.set(bytes.subarray(at));
  };

  return {
    update,
    digest() {
      const bits = length * 8;
      // A one, zeros up to the last 8 bytes of a block, and the length in bits.
      const padding = new Uint8Array(BLOCK - ((length + 8) % BLOCK) + 8);
      padding[0] = 0x80;
      const end = new DataView(padding.buffer);
      end.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
      end.setUint32(padding.length - 4, bits);
      update(padding);
      return [...state].map((word) => word.toString(16).padStart(8, '0')).join('');
    },
  };
}

/** Folds 64 bytes into the state: FIPS 180-4, 6.2.2. */
function compress(state: Uint32Array, words: Uint32Array, bytes: Uint8Array, at: number): void {
  for (let t = 0; t < 16; t++) {
    const from = at + 4 * t;
    words[t] = (bytes[from] << 24) | (bytes[from + 1] << 16) | (bytes[from + 2] << 8) | bytes[from + 3];
  }
  for (let t = 16; t < 64; t++) {
    const [near, far] = [words[t - 2], words[t - 15]];
    const low = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3);
    const high = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10);
    words[t] = words[t - 16] + low + words[t - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const high = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + high + ((e & f) ^ (~e & g)) + roundConstants[t] + words[t]) | 0;
    const low = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** The first 32 bits behind the point. */
function fraction(x: number): number {
  return Math.floor((x - Math.floor(x)) * 2 ** 32);
}

function firstPrimes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}
