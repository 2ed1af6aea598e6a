import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import {
  checkRace,
  designEffect,
  type DesignEffect,
  outOfRace,
  raceLooks,
  raceOrder,
  rivalWeights,
  studentLimit,
  tailNats,
  type Comparison,
} from '../../../src/prune/race/raceRule.ts';
import { erfc } from '../../../src/ops/erfc.ts';
import { seededRng } from '../../../src/tensor/rng.ts';
import { seeds } from '../../arbitraries.ts';

const sizes = fc.integer({ min: 1, max: 200 });

test.prop([sizes, seeds, fc.nat(99)])(
  'chunks are visited once each, the same way for a seed and a step',
  (n, seed, step) => {
    const order = raceOrder(n, seed, step);
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, index) => index));
    expect(raceOrder(n, seed, step)).toEqual(order);
  },
);

test.prop([seeds, fc.nat(99)])('every step draws an order of its own', (seed, step) => {
  expect(raceOrder(60, seed, step + 1)).not.toEqual(raceOrder(60, seed, step));
});

it('every order of four chunks is as likely, in any step', () => {
  for (const step of [1, 2]) {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 4800; seed++) {
      const order = raceOrder(4, seed, step).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // χ² with 23 degrees of freedom is above 60 once in 30,000 times.
    expect([...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0)).toBeLessThan(60);
  }
});

test.prop([sizes, fc.boolean()])(
  'looks come from two chunks on, or one, ever rarer, never when all is seen',
  (n, known) => {
    const looks = raceLooks(n, known);
    expect(looks).toEqual([...new Set(looks)].toSorted((a, b) => a - b));
    const first = known ? 1 : 2;
    expect(looks[0]).toBe(n > first ? first : undefined);
    for (const look of looks) expect(look >= first && look < n && Number.isInteger(look)).toBe(true);
    expect(looks.length).toBeLessThanOrEqual(1 + 4 * Math.log2(n + 1));
    for (const [index, look] of looks.slice(1).entries())
      expect(look - looks[index]).toBeLessThanOrEqual(1 + looks[index] / 4);
  },
);

test.prop([
  fc
    .integer({ min: 1, max: 60 })
    .chain((n) => fc.tuple(fc.constant(n), fc.shuffledSubarray([...Array(n).keys()], { minLength: n }))),
])('weights share the permitted error out and never starve a rival; better places get no less', ([n, places]) => {
  expect(rivalWeights(n, null)).toEqual(Array.from({ length: n }, () => 1 / n));
  const weights = rivalWeights(n, places);
  expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  const byPlace = places.map((place, index) => ({ place, weight: weights[index] }));
  byPlace.sort((a, b) => a.place - b.place);
  for (const [index, { weight }] of byPlace.entries()) {
    expect(weight).toBeGreaterThanOrEqual(0.5 / n);
    if (index > 0) expect(weight).toBeLessThanOrEqual(byPlace[index - 1].weight);
  }
});

test.prop([fc.double({ min: 1.5, max: 1e12, noNaN: true })])(
  'tailNats: the normal tail is not exceeded, and nearly reached where it is small',
  (times) => {
    const nats = tailNats(times);
    expect(nats).toBeLessThanOrEqual(Math.log(times));
    const tail = (times * erfc(Math.sqrt(nats))) / 2;
    expect(tail).toBeLessThanOrEqual(1 + 1e-3);
    expect(tail).toBeGreaterThan(times < 100 ? 0.3 : 0.85);
    expect(tailNats(2 * times)).toBeGreaterThan(nats);
  },
);

describe('studentLimit', () => {
  test.prop([fc.double({ min: 0.1, max: 15, noNaN: true }), fc.double({ min: 0.5, max: 500, noNaN: true })])(
    'inverts its bound and comes down to that of a known error',
    (nats, freedom) => {
      const limit = studentLimit(nats, freedom);
      expect((-freedom / 2) * Math.log1p(limit / freedom)).toBeCloseTo(-nats, 6);
      expect(limit).toBeGreaterThanOrEqual(2 * nats);
      expect(studentLimit(nats, 2 * freedom)).toBeLessThanOrEqual(limit);
      expect(studentLimit(nats, 1e9)).toBeCloseTo(2 * nats, 4);
    },
  );

  it.each([2, 5, 20])('is exceeded no more often than it says with %i degrees of freedom', (freedom) => {
    const rng = seededRng(freedom);
    const limit = studentLimit(Math.log(20), freedom);
    let beyond = 0;
    const draws = 20_000;
    for (let draw = 0; draw < draws; draw++) {
      let squares = 0;
      for (let i = 0; i < freedom; i++) squares += rng.normal() ** 2;
      const deviate = rng.normal();
      if (deviate > 0 && deviate ** 2 > (limit * squares) / freedom) beyond++;
    }
    expect(beyond / draws).toBeLessThan(0.05);
    expect(beyond).toBeGreaterThan(0);
  });
});

describe('outOfRace', () => {
  const SEGMENTS = 12;
  const cases = fc.record({
    seed: seeds,
    candidates: fc.integer({ min: 1, max: 6 }),
    seen: fc.integer({ min: 1, max: 6 }),
    more: fc.integer({ min: 0, max: 6 }),
    spread: fc.constantFrom(0, 0.3, 3),
  });

  /** Losses near 3 nats with means `spread` apart. */
  function comparisonOf({
    seed,
    candidates,
    seen,
    more,
    spread,
  }: Readonly<Record<'seed' | 'candidates' | 'seen' | 'more' | 'spread', number>>): Comparison {
    const rng = seededRng(seed);
    const losses = Array.from({ length: candidates }, (_, c) => {
      return Array.from({ length: seen }, () => {
        return Float64Array.from({ length: SEGMENTS }, () => (3 + c * spread + 0.2 * rng.normal()) / SEGMENTS);
      });
    });
    const shares = Array.from({ length: seen }, () => Array<number>(SEGMENTS).fill(1 / SEGMENTS));
    const weights = rivalWeights(candidates, null);
    return {
      losses,
      shares,
      weights,
      population: seen + more,
      looks: 3,
      confidence: 0.99,
      margin: 0,
      effect: designEffect(losses, shares),
    };
  }
  const edit = (
    comparison: Comparison,
    change: (value: number, c: number, i: number, s: number) => number,
  ): Comparison => {
    const losses = comparison.losses.map((own, c) =>
      own.map((chunk, i) => chunk.map((value, s) => change(value, c, i, s))),
    );
    return { ...comparison, losses, effect: designEffect(losses, comparison.shares) };
  };
  const meanOf = ({ losses }: Comparison, c: number): number =>
    losses[c].flatMap((chunk) => [...chunk]).reduce((a, b) => a + b, 0);

  test.prop([cases])('the best so far stays in', (drawn) => {
    const comparison = comparisonOf(drawn);
    const best = comparison.losses
      .map((_, c) => c)
      .reduce((a, b) => (meanOf(comparison, b) < meanOf(comparison, a) ? b : a));
    expect(outOfRace(comparison).has(best)).toBe(false);
  });

  test.prop([cases])('only differences count: what all candidates share changes nothing', (drawn) => {
    const comparison = comparisonOf(drawn);
    const shifted = edit(comparison, (value, _, i, s) => value + Math.sin(7 * i + s));
    expect(outOfRace(shifted)).toEqual(outOfRace(comparison));
  });

  test.prop([cases, fc.constantFrom(0.25, 8)])('nor does the unit of loss', (drawn, scale) => {
    const comparison = comparisonOf(drawn);
    expect(outOfRace(edit(comparison, (value) => value * scale))).toEqual(outOfRace(comparison));
  });

  test.prop([cases])('equals are never told apart, however little is left to see', (drawn) => {
    const comparison = comparisonOf(drawn);
    const same = edit(comparison, (_, __, i, s) => comparison.losses[0][i][s]);
    expect(outOfRace(same).size).toBe(0);
  });

  test.prop([cases, fc.double({ min: 0.5, max: 0.999, noNaN: true })])(
    'less confidence drops no fewer',
    (drawn, confidence) => {
      const comparison = comparisonOf(drawn);
      const [bold, careful] = [confidence, 0.9999].map((c) => outOfRace({ ...comparison, confidence: c }));
      for (const candidate of careful) expect(bold.has(candidate)).toBe(true);
    },
  );

  /** How far apart two candidates' means must be for the worse one to go, all else as drawn. */
  const neededGap = (drawn: Parameters<typeof comparisonOf>[0], more: Partial<Comparison>): number => {
    const even = comparisonOf({ ...drawn, candidates: 2, spread: 0 });
    const effect = { factor: 1, within: 1, freedom: 50 };
    // From equal means on, so that the gap is what is added.
    const shift = meanOf(even, 0) - meanOf(even, 1);
    const goes = (gap: number): boolean => {
      const added = (gap + shift / drawn.seen) / SEGMENTS;
      return outOfRace({ ...edit(even, (value, c) => value + c * added), effect, ...more }).has(1);
    };
    let [low, high] = [0, 64];
    for (let halving = 0; halving < 40; halving++) {
      const middle = (low + high) / 2;
      if (goes(middle)) high = middle;
      else low = middle;
    }
    return high;
  };
  const someDraw = fc.record({
    seed: seeds,
    candidates: fc.constant(2),
    seen: fc.integer({ min: 2, max: 6 }),
    more: fc.integer({ min: 2, max: 6 }),
    spread: fc.constant(0),
  });

  test.prop([someDraw], { numRuns: 20 })(
    'more looks, more rivals and more confidence ask for more evidence, one as the other',
    (drawn) => {
      const [one, other] = rivalWeights(2, null);
      const needed = neededGap(drawn, {});
      const halved = neededGap(drawn, { looks: 6 });
      expect(halved).toBeGreaterThan(needed);
      expect(neededGap(drawn, { weights: [one / 2, other / 2] })).toBeCloseTo(halved, 6);
      expect(neededGap(drawn, { confidence: 0.995 })).toBeCloseTo(halved, 6);
    },
  );

  test.prop([someDraw], { numRuns: 20 })(
    'twice the design effect asks for √2 times the gap, and less freedom for more',
    (drawn) => {
      const [small, large, vague] = [
        { factor: 200, within: 200, freedom: 50 },
        { factor: 400, within: 400, freedom: 50 },
        { factor: 200, within: 200, freedom: 20 },
      ].map((effect) => neededGap(drawn, { effect }));
      expect(large / small).toBeCloseTo(Math.SQRT2, 6);
      expect(vague).toBeGreaterThan(small);
    },
  );

  test.prop([someDraw], { numRuns: 20 })(
    'the fewer chunks are left to see, the less evidence is asked for',
    (drawn) => {
      const needed = [1, 5, 50].map((left) => neededGap(drawn, { population: drawn.seen + left }));
      expect(needed[0]).toBeLessThan(needed[1]);
      expect(needed[1]).toBeLessThan(needed[2]);
    },
  );

  it('needs two chunks', () => {
    const drawn = { seed: 1, candidates: 3, more: 9, spread: 3 };
    expect(outOfRace(comparisonOf({ ...drawn, seen: 1 })).size).toBe(0);
    expect([...outOfRace(comparisonOf({ ...drawn, seen: 6 }))].toSorted()).toEqual([1, 2]);
  });

  it.each([
    [8, 0],
    [12, 1],
  ])(
    'needs more segments than a coin would need heads: of %i losses all much greater, %i is believed',
    (seen, believed) => {
      // One segment a chunk, and x² = 8.7 for one error in 600.
      const rng = seededRng(4);
      const losses = [0, 100].map((mean) => {
        return Array.from({ length: seen }, () => Float64Array.of(mean + rng.normal()));
      });
      const shares = Array.from({ length: seen }, () => [1]);
      const weights = rivalWeights(2, null);
      const effect = designEffect(losses, shares);
      const comparison = { losses, shares, weights, population: 100, looks: 3, confidence: 0.99, margin: 0, effect };
      expect(outOfRace(comparison).size).toBe(believed);
    },
  );

  it('learns from all candidates together how far chunks go their own ways', () => {
    // Equal candidates whose every chunk has luck of its own, twice the segments' scatter: two
    // chunks look far apart.
    let dropped = 0;
    for (let seed = 0; seed < 300; seed++) {
      const rng = seededRng(seed);
      const luck = Array.from({ length: 8 }, () => [0.4 * rng.normal(), 0.4 * rng.normal()]);
      const drawn = { seed, candidates: 8, seen: 2, more: 10, spread: 0 };
      dropped += outOfRace(edit(comparisonOf(drawn), (value, c, i) => value + luck[c][i] / SEGMENTS)).size;
    }
    expect(dropped).toBeLessThanOrEqual(3);
  });

  it('leaves differences within the margin to the end', () => {
    const comparison = edit(
      comparisonOf({ seed: 2, candidates: 2, seen: 6, more: 1, spread: 0 }),
      (_, c) => (3 + c * 1e-5) / SEGMENTS,
    );
    expect(outOfRace(comparison)).toEqual(new Set([1]));
    expect(outOfRace({ ...comparison, margin: 2e-5 }).size).toBe(0);
  });

  it('a pair whose own chunks swing is doubted, though the others do not', () => {
    const drawn = comparisonOf({ seed: 5, candidates: 2, seen: 4, more: 8, spread: 0 });
    const swings = edit(drawn, (value, c, i) => value + (c * (i === 3 ? -3 : 4)) / SEGMENTS);
    const steady = edit(drawn, (value, c) => value + (c * 2.25) / SEGMENTS);
    const effect = { factor: 1, within: 1, freedom: 1000 };
    expect(outOfRace({ ...steady, effect })).toEqual(new Set([1]));
    expect(outOfRace({ ...swings, effect }).size).toBe(0);
  });

  it('does not take the segments of one chunk for so many witnesses when chunks go their own ways', () => {
    // All segments of a chunk say the same: one loses by 1 in two chunks of three and wins by 1.9
    // in the third.
    const comparison = edit(comparisonOf({ seed: 3, candidates: 2, seen: 3, more: 9, spread: 0 }), (value, c, i) => {
      return value + (c * (i === 2 ? -1.5 : 1)) / SEGMENTS;
    });
    expect(outOfRace(comparison).size).toBe(0);
  });
});

describe('designEffect', () => {
  /**
   * Twelve candidates on six chunks of twelve segments; each chunk shifts a candidate's segments by
   * its luck.
   */
  const drawn = (seed: number, luck: number, loud = 1): DesignEffect => {
    const rng = seededRng(seed);
    const losses = Array.from({ length: 12 }, (_, c) => {
      return Array.from({ length: 6 }, () => {
        const shift = luck * rng.normal();
        const size = c === 11 ? loud : 1;
        return Float64Array.from({ length: 12 }, () => c / 100 + size * (shift + rng.normal()) + 9 * (size - 1));
      });
    });
    return designEffect(
      losses,
      Array.from({ length: 6 }, () => Array<number>(12).fill(1 / 12)),
    );
  };
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];
  const seedsDrawn = Array.from({ length: 41 }, (_, seed) => seed);

  it.each([
    [0, 1, 1.4],
    [0.5, 2.5, 4],
    [1, 4.5, 8],
  ])('finds it where chunks have luck of %d segments', (luck, low, high) => {
    // 12 luck² + 1 over the scatter within and between: 1, 3.3, 6.8.
    const factor = median(seedsDrawn.map((seed) => drawn(seed, luck).factor));
    expect(factor).toBeGreaterThanOrEqual(low);
    expect(factor).toBeLessThan(high);
  });

  it.each([
    [0, 1, 1.5],
    [1, 9, 18],
    [4, 130, 280],
  ])('finds it beside what one chunk shows, where chunks have luck of %d segments', (luck, low, high) => {
    // 12 luck² + 1: the scatter within a chunk holds nothing of what its segments have in common.
    const within = median(seedsDrawn.map((seed) => drawn(seed, luck).within));
    expect(within).toBeGreaterThanOrEqual(low);
    expect(within).toBeLessThan(high);
  });

  it('counts independent candidates, at most one less than it compares', () => {
    for (const seed of seedsDrawn) {
      const { freedom } = drawn(seed, 0);
      // The better nine of twelve.
      expect(freedom).toBeGreaterThan(5 * 5);
      expect(freedom).toBeLessThanOrEqual(8 * 5);
    }
  });

  it('is not drowned by one candidate that is out of all proportion', () => {
    for (const seed of seedsDrawn) expect(drawn(seed, 0, 1000).freedom).toBeGreaterThan(2 * 5);
  });

  it('of candidates that go up and down as one: one', () => {
    const rng = seededRng(1);
    const common = Array.from({ length: 4 }, () => Float64Array.from({ length: 12 }, () => rng.normal()));
    const losses = [1, 2, 3, 4, 5, 6].map((size) => common.map((chunk) => chunk.map((value) => size * value)));
    const shares = Array.from({ length: 4 }, () => Array<number>(12).fill(1 / 12));
    expect(designEffect(losses, shares).freedom).toBeCloseTo(3, 6);
  });
});

it.each([0.49, 1, NaN, 2])('a confidence of %d is refused', (confidence) => {
  expect(() => checkRace({ confidence, seed: 0 })).toThrow(UsageError);
});
