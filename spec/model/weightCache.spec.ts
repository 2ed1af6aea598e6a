import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/backends/simd/arena.ts';
import { WeightCache } from '../../src/model/weightCache.ts';

/** A cache whose pieces are their own keys, and what is alive of them. */
class Watched {
  readonly cache: WeightCache;
  readonly budget: number;
  readonly alive = new Map<string, number>();
  loads = 0;

  constructor(budget: number) {
    this.cache = new WeightCache(budget);
    this.budget = budget;
  }

  async use(key: string, bytes: number): Promise<void> {
    const load = (): Promise<string> => {
      this.loads++;
      expect(this.alive.has(key), 'loaded while held').toBe(false);
      this.alive.set(key, bytes);
      expect(this.held(), 'over budget while loading').toBeLessThanOrEqual(this.budget);
      return Promise.resolve(key);
    };
    const free = (piece: string): void => expect(this.alive.delete(piece), 'freed twice').toBe(true);
    expect(await this.cache.use(key, bytes, load, free)).toBe(key);
    expect(this.alive.has(key)).toBe(true);
    expect(this.cache.bytes).toBe(this.held());
  }

  held(): number {
    return [...this.alive.values()].reduce((sum, bytes) => sum + bytes, 0);
  }
}

describe('WeightCache', () => {
  test.prop([
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }),
    fc.array(fc.nat(), { maxLength: 60 }),
    fc.nat(200),
  ])('stays in its budget, hands out what was asked for and frees each piece once', async (sizes, accesses, spare) => {
    const watched = new Watched(Math.max(...sizes) + spare);
    for (const access of accesses) await watched.use(`piece ${access % sizes.length}`, sizes[access % sizes.length]);
    watched.cache.clear();
    expect(watched.alive.size).toBe(0);
    expect(watched.cache.bytes).toBe(0);
  });

  test.prop([fc.integer({ min: 2, max: 20 }), fc.nat(), fc.integer({ min: 2, max: 5 })])(
    'a looped walk of n equal pieces with room for b reads n − b + 1 of them a round at most',
    async (pieces, some, rounds) => {
      const room = 1 + (some % pieces);
      const watched = new Watched(room * 10);
      for (let round = 0; round < rounds; round++) {
        watched.loads = 0;
        for (let piece = 0; piece < pieces; piece++) await watched.use(`${piece}`, 10);
        if (round > 0) expect(watched.loads).toBeLessThanOrEqual(room === pieces ? 0 : pieces - room + 1);
      }
    },
  );

  test.prop([
    fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }),
    fc.array(fc.nat(), { maxLength: 60 }),
    fc.nat(20),
  ])(
    'leaves no holes: a budget of all the memory there is has room for every piece',
    async (pieces, accesses, spare) => {
      const line = 64;
      const sizes = pieces.map((parts) => parts.reduce((sum, part) => sum + part * line, 0));
      const budget = Math.max(...sizes) + spare * line;
      const arena = new Arena(0, budget);
      const cache = new WeightCache(budget);
      for (const access of accesses) {
        const index = access % pieces.length;
        await cache.use(
          `piece ${index}`,
          sizes[index],
          () => Promise.resolve(pieces[index].map((part) => arena.allocate(part * line, 'long'))),
          (parts) => parts.forEach((part) => arena.release(part)),
        );
        expect(arena.inUse).toBe(cache.bytes);
      }
    },
  );

  it('holds nothing of a load that fails', async () => {
    const cache = new WeightCache(10);
    const failing = cache.use(
      'a',
      5,
      () => Promise.reject(new Error('unreadable')),
      () => expect.unreachable(),
    );
    await expect(failing).rejects.toThrow('unreadable');
    expect(cache.bytes).toBe(0);
    expect(
      await cache.use(
        'a',
        5,
        () => Promise.resolve('read'),
        () => {},
      ),
    ).toBe('read');
  });
});
