import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { chunkData, type Chunks } from '../../src/eval/chunks.ts';
import { changeFigures } from '../../src/eval/figures.ts';
import { conventionNames, isSearchable, type ConventionName } from '../../src/eval/namedConvention.ts';
import { pairedDifference, shareBack } from '../../src/eval/paired.ts';
import { aggregate, type ChunkScore } from '../../src/eval/perplexity.ts';
import { ratioEstimate } from '../../src/eval/ratioEstimate.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { settingsOf, tiny } from './evalFixtures.ts';

const searchable = conventionNames.filter(isSearchable);
/** Nothing else of the chunks is looked at when scores are put together. */
const by = (convention: ConventionName): Chunks =>
  chunkData('x', { kind: 'ids', ids: [1, 2, 3, 4] }, tiny, null, settingsOf({ convention, chunk: 4 }));

/** Scores of two models: chunks differ far more from each other than the models do on one. */
function twoModels(seed: number, count: number, even: boolean): { pruned: ChunkScore[]; dense: ChunkScore[] } {
  const rng = seededRng(seed);
  const pruned: ChunkScore[] = [];
  const dense: ChunkScore[] = [];
  for (let chunk = 0; chunk < count; chunk++) {
    const targets = even ? 127 : 20 + rng.int(200);
    const hard = 3 + 0.8 * rng.normal();
    dense.push({ nats: targets * hard, targets });
    pruned.push({ nats: targets * (hard + 0.05 + 0.03 * rng.normal() + 0.01 * hard), targets });
  }
  return { pruned, dense };
}

/**
 * The scatter of ln(ppl / other ppl) over texts of as many chunks, drawn from these with return.
 */
function bootstrap(chunks: Chunks, pruned: ChunkScore[], dense: ChunkScore[], resamples: number): number {
  const rng = seededRng(64);
  const found = Array.from({ length: resamples }, () => {
    const drawn = pruned.map(() => rng.int(pruned.length));
    const nll = (of: ChunkScore[]): number =>
      aggregate(
        chunks,
        drawn.map((at) => of[at]),
      ).nll;
    return nll(pruned) - nll(dense);
  });
  const mean = found.reduce((sum, value) => sum + value, 0) / resamples;
  return Math.sqrt(found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (resamples - 1));
}

describe('the share of a loss that is back', () => {
  const convention = fc.constantFrom(...searchable);
  const size = fc.integer({ min: 3, max: 40 });

  test.prop([convention, fc.nat(), size, fc.double({ min: -1, max: 2, noNaN: true })])(
    'is the share that every chunk got back, without error where all got the same',
    (name, seed, count, share) => {
      const { pruned, dense } = twoModels(seed, count, false);
      const repaired = pruned.map(({ nats, targets }, at) => ({
        nats: nats - share * (nats - dense[at].nats),
        targets,
      }));
      const chunks = by(name);
      fc.pre(pairedDifference(chunks, pruned, dense).nats > 0.01);
      const found = shareBack(chunks, dense, pruned, repaired);
      expect(found?.share).toBeCloseTo(share, 8);
      expect(found?.standardError).toBeLessThan(1e-8);
    },
  );

  test.prop([convention, fc.nat(), fc.nat(), size])(
    'is a ratio of differences, of which one is the dense model’s',
    (name, seed, other, count) => {
      const { pruned, dense } = twoModels(seed, count, true);
      const { pruned: repaired } = twoModels(other, count, true);
      const chunks = by(name);
      const lost = pairedDifference(chunks, pruned, dense).nats;
      const found = shareBack(chunks, dense, pruned, repaired);
      if (lost < 1e-3) return expect(found).toBeNull();
      expect(found?.share).toBeCloseTo(-pairedDifference(chunks, repaired, pruned).nats / lost, 8);
      expect(shareBack(chunks, dense, pruned, dense)?.share).toBeCloseTo(1, 10);
      expect(shareBack(chunks, dense, pruned, pruned)).toEqual({ share: 0, standardError: 0 });
    },
  );

  it('of 64 chunks has the error of a plain bootstrap of 10,000', () => {
    const { pruned, dense } = twoModels(3, 64, false);
    const noise = seededRng(9);
    const repaired = pruned.map(({ nats, targets }, at) => ({
      nats: nats - (0.6 + 0.2 * noise.normal()) * (nats - dense[at].nats),
      targets,
    }));
    const chunks = by('token-mean');
    const found = shareBack(chunks, dense, pruned, repaired);
    const rng = seededRng(64);
    const drawn = Array.from({ length: 10_000 }, () => {
      const some = pruned.map(() => rng.int(pruned.length));
      const sum = (of: ChunkScore[]): number => some.reduce((total, at) => total + of[at].nats, 0);
      return (sum(pruned) - sum(repaired)) / (sum(pruned) - sum(dense));
    });
    const mean = drawn.reduce((total, value) => total + value, 0) / drawn.length;
    const scatter = Math.sqrt(drawn.reduce((total, value) => total + (value - mean) ** 2, 0) / (drawn.length - 1));
    expect(Math.abs((found?.standardError ?? NaN) / scatter - 1)).toBeLessThan(0.1);
  });

  it('is not stated where pruning cost nothing, where a loss is not finite, or with an error of two chunks', () => {
    const scores = (...means: number[]): ChunkScore[] => means.map((mean) => ({ nats: mean, targets: 1 }));
    const chunks = by('paper');
    expect(shareBack(chunks, scores(1, 2, 3), scores(1, 2, 3), scores(1, 1, 1))).toBeNull();
    expect(shareBack(chunks, scores(1, 2, 3), scores(1, 1, 3), scores(1, 1, 1))).toBeNull();
    for (const bad of [NaN, Infinity]) {
      expect(shareBack(chunks, scores(1, 2, 3), scores(2, 3, bad), scores(1, 2, 3))).toBeNull();
      expect(shareBack(chunks, scores(1, 2, 3), scores(2, 3, 4), scores(1, 2, bad))).toBeNull();
    }
    expect(shareBack(chunks, scores(1, 2), scores(2, 4), scores(2, 2))).toEqual({ share: 2 / 3, standardError: null });
  });
});

describe('a paired difference', () => {
  it.each(
    searchable.flatMap((convention) => [true, false].map((even) => [convention, even ? 'equal' : 'unequal'] as const)),
  )('by %s, of 64 chunks of %s lengths, has the error of a plain bootstrap of 10,000', (convention, lengths) => {
    const { pruned, dense } = twoModels(3, 64, lengths === 'equal');
    const chunks = by(convention);
    const { nats, standardError } = pairedDifference(chunks, pruned, dense);
    const plain = bootstrap(chunks, pruned, dense, 10_000);
    expect(Math.abs((standardError ?? NaN) / plain - 1)).toBeLessThan(0.1);
    expect(nats / plain).toBeGreaterThan(5);
    // The levels' own errors would call this noise.
    expect(aggregate(chunks, dense).standardError).toBeGreaterThan(nats);
  });

  const scores = fc.array(
    fc.record({
      nats: fc.double({ min: 1, max: 5000, noNaN: true }),
      other: fc.double({ min: 1, max: 5000, noNaN: true }),
      targets: fc.integer({ min: 1, max: 2000 }),
    }),
    { minLength: 3, maxLength: 20 },
  );
  const sides = (drawn: { nats: number; other: number; targets: number }[]): [ChunkScore[], ChunkScore[]] => [
    drawn.map(({ nats, targets }) => ({ nats, targets })),
    drawn.map(({ other, targets }) => ({ nats: other, targets })),
  ];

  test.prop([fc.constantFrom(...searchable), scores])('is that of the log perplexities', (convention, drawn) => {
    const chunks = by(convention);
    const [pruned, dense] = sides(drawn);
    const { nats, standardError } = pairedDifference(chunks, pruned, dense);
    const [after, before] = [aggregate(chunks, pruned), aggregate(chunks, dense)];
    expect(nats).toBeCloseTo(after.nll - before.nll, 6);
    const back = pairedDifference(chunks, dense, pruned);
    expect(back.nats).toBeCloseTo(-nats, 9);
    expect(back.standardError).toBeCloseTo(standardError ?? NaN, 6);
    expect(pairedDifference(chunks, dense, dense)).toEqual({ nats: 0, standardError: 0 });
  });

  test.prop([scores, fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 20, maxLength: 20 })])(
    'does not see how hard a chunk is for both',
    (drawn, hard) => {
      const [pruned, dense] = sides(drawn.map((chunk) => ({ ...chunk, targets: 100 })));
      const harder = (of: ChunkScore[]): ChunkScore[] =>
        of.map(({ nats, targets }, at) => ({ nats: nats + targets * hard[at], targets }));
      const [plain, shifted] = [
        pairedDifference(by('paper'), pruned, dense),
        pairedDifference(by('paper'), harder(pruned), harder(dense)),
      ];
      expect(shifted.nats).toBeCloseTo(plain.nats, 8);
      expect(shifted.standardError).toBeCloseTo(plain.standardError ?? NaN, 8);
    },
  );

  it('of one or two chunks has no error, nor of one or two texts', () => {
    const { pruned, dense } = twoModels(1, 3, true);
    const errors = [1, 2, 3].map((count) => {
      return pairedDifference(by('paper'), pruned.slice(0, count), dense.slice(0, count)).standardError;
    });
    expect(errors).toEqual([null, null, expect.any(Number)]);
    // Two texts of one and of two windows.
    const texts = {
      spans: [
        { chunks: 1, words: 4 },
        { chunks: 2, words: 8 },
      ],
      firstTargets: [0, 0, 0],
    };
    const { nats, standardError } = pairedDifference({ ...by('document'), texts }, pruned, dense);
    expect(standardError).toBeNull();
    expect(nats).toBeCloseTo(aggregate(by('token-mean'), pruned).nll - aggregate(by('token-mean'), dense).nll, 12);
  });

  it('of chunks without a target leaves them out on both sides', () => {
    const { pruned, dense } = twoModels(1, 4, false);
    const empty = { nats: 0, targets: 0 };
    for (const convention of searchable) {
      expect(pairedDifference(by(convention), [...pruned, empty], [...dense, empty])).toEqual(
        pairedDifference(by(convention), pruned, dense),
      );
    }
  });
});

describe('in a document', () => {
  test.prop([fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })])(
    'a difference also stands in per cent of the other perplexity',
    (nats, standardError) => {
      const found = changeFigures({ nats, standardError });
      expect(found).toMatchObject({ nats, natsError: standardError });
      expect(found?.percent).toBeCloseTo(100 * (Math.exp(nats) - 1), 8);
      // The slope of exp, as a difference of its values.
      const slope = (Math.exp(nats + 1e-6) - Math.exp(nats - 1e-6)) / 2e-6;
      expect(found?.percentError).toBeCloseTo(100 * slope * standardError, 3);
    },
  );

  it('has no number that JSON cannot hold', () => {
    expect(changeFigures(null)).toBeNull();
    expect(changeFigures({ nats: NaN, standardError: NaN })).toBeNull();
    expect(changeFigures({ nats: Infinity, standardError: null })).toBeNull();
    expect(changeFigures({ nats: 1000, standardError: 0.1 })).toEqual({
      nats: 1000,
      natsError: 0.1,
      percent: null,
      percentError: null,
    });
  });
});

test.prop([
  fc.array(fc.record({ value: fc.double({ min: -50, max: 50, noNaN: true }), weight: fc.constant(3) }), {
    minLength: 2,
    maxLength: 30,
  }),
])('a ratio of equal weights is a mean, with the usual error', (terms) => {
  const values = terms.map(({ value }) => value / 3);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const { estimate, standardError } = ratioEstimate(terms);
  expect(estimate).toBeCloseTo(mean, 9);
  expect(standardError).toBeCloseTo(Math.sqrt(variance / values.length), 9);
});
