/**
 * A small seeded random generator: xoshiro128** (Blackman & Vigna 2018), seeded through splitmix32.
 * The same seed gives the same integers and uniforms on every platform, as only 32-bit integer
 * arithmetic is used. `normal` adds up uniforms (Irwin–Hall, twelve of them), so that it needs no
 * logarithm whose last bit differs between engines; its tails end at ±6.
 */
export interface Rng {
  /** Uniform in [0, 1), a multiple of 2⁻³². */
  uniform(): number;
  /** Mean 0, variance 1, in (−6, 6). */
  normal(): number;
  /** Uniform in 0 … n − 1. */
  int(n: number): number;
  /** A generator of its own for a named purpose: drawing from one does not shift the other. */
  fork(label: string): Rng;
}

export function seededRng(seed: number): Rng {
  return fromState(splitmix(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0));
}

function fromState(state: Uint32Array): Rng {
  const origin = state.slice();
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 11);
    return result;
  };
  const rng: Rng = {
    uniform: () => next() / 2 ** 32,
    normal() {
      let sum = -6;
      for (let i = 0; i < 12; i++) sum += rng.uniform();
      return sum;
    },
    int: (n) => Math.floor(rng.uniform() * n),
    fork(label) {
      // FNV-1a of the label, mixed with the state this generator began with.
      let hash = 0x811c9dc5;
      for (const char of label) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
      return fromState(splitmix((hash ^ origin[0]) >>> 0, origin[1]));
    },
  };
  return rng;
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function splitmix(low: number, high: number): Uint32Array {
  const state = new Uint32Array(4);
  let x = (low ^ Math.imul(high, 0x9e3779b1)) >>> 0;
  for (let i = 0; i < 4; i++) {
    x = (x + 0x9e3779b9) >>> 0;
    let z = x;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    state[i] = z ^ (z >>> 15);
  }
  return state;
}
