/**
 * The whole numbers that Python's `random` draws: the generator MT19937 (Matsumoto & Nishimura
 * 1998), seeded as `random.seed(n)` does. So a seed gives the windows of text that the codes in
 * Python have.
 */
export class PythonRandom {
  readonly #state = new Uint32Array(SIZE);
  #at = SIZE;

  /** @param seed a whole number from 0 to 2⁵³ − 1. */
  constructor(seed: number) {
    const high = Math.floor(seed / 2 ** 32);
    this.#seedBy(high === 0 ? [seed] : [seed >>> 0, high]);
  }

  /** As `random.randint(0, most)`: each number from 0 to `most` with the same chance. */
  upTo(most: number): number {
    const bits = 32 - Math.clz32(most + 1);
    for (;;) {
      const drawn = this.#next() >>> (32 - bits);
      if (drawn <= most) return drawn;
    }
  }

  /** The reference code's `init_by_array`. */
  #seedBy(key: readonly number[]): void {
    const state = this.#state;
    state[0] = 19_650_218;
    for (let i = 1; i < SIZE; i++) state[i] = Math.imul(1_812_433_253, mixed(state[i - 1])) + i;
    let i = 1;
    for (let step = 0; step < SIZE; step++) {
      const j = step % key.length;
      state[i] = (state[i] ^ Math.imul(mixed(state[i - 1]), 1_664_525)) + key[j] + j;
      i = this.#after(i);
    }
    for (let step = 1; step < SIZE; step++) {
      state[i] = (state[i] ^ Math.imul(mixed(state[i - 1]), 1_566_083_941)) - i;
      i = this.#after(i);
    }
    state[0] = 0x8000_0000;
  }

  /** The next index from 1 on; after the last the first number becomes the last one's. */
  #after(i: number): number {
    if (i + 1 < SIZE) return i + 1;
    this.#state[0] = this.#state[SIZE - 1];
    return 1;
  }

  /** 32 random bits. */
  #next(): number {
    if (this.#at === SIZE) this.#twist();
    let y = this.#state[this.#at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i] & 0x8000_0000) | (state[(i + 1) % SIZE] & 0x7fff_ffff);
      state[i] = state[(i + 397) % SIZE] ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
    }
    this.#at = 0;
  }
}

const SIZE = 624;

function mixed(x: number): number {
  return x ^ (x >>> 30);
}
