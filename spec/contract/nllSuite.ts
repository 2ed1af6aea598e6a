import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Backend, NllState, NllSum } from '../../src/backends/backend.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { drawArray, normals, seeds, sizes } from '../arbitraries.ts';
import { normalisedError, worstError, type Limits } from './compare.ts';
import { linearOracle, logSumExpOracle, type Oracle } from './oracles.ts';

/** An LM head and the rows it is to score. */
interface Head {
  x: Float32Array;
  weight: Float32Array;
  bias: Float32Array | null;
  targets: Int32Array;
  rows: number;
  inFeatures: number;
  vocabulary: number;
}

const headShape = fc.record({
  rows: fc.integer({ min: 1, max: 60 }),
  inFeatures: sizes,
  vocabulary: fc.oneof(sizes, fc.constantFrom(511, 512, 513, 1100)),
  bias: fc.boolean(),
});

/** Where the vocabulary is cut into tiles: any number of ids between 0 and V, as shares of V. */
const someCuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

/** The LM head's tiles folded into a negative log-likelihood a row. */
export function nllSuite(backend: () => Backend, limits: Limits): void {
  describe('nllTile and finishNll', () => {
    test.prop([headShape, someCuts, seeds])(
      'agree with log-softmax in f64, in any number of tiles',
      async (shape, cuts, seed) => {
        const head = drawHead(shape, seed, 1);
        const found = await score(backend(), head, cuts);
        const oracle = nllOracle(head);
        expect(worstError(found, oracle, limits)).toBeLessThanOrEqual(1);
        expect(normalisedError(found, oracle.values)).toBeLessThanOrEqual(limits.reductionNmse);
      },
    );

    test.prop([headShape, someCuts, seeds])('survive logits of ±1e4', async (shape, cuts, seed) => {
      const head = drawHead(shape, seed, 1e4);
      const found = await score(backend(), head, cuts);
      expect(found.every(Number.isFinite)).toBe(true);
      expect(worstError(found, nllOracle(head), limits)).toBeLessThanOrEqual(1);
    });

    test.prop([headShape, someCuts, seeds])(
      'are probabilities: e^−nll over all targets sums to 1',
      async (shape, cuts, seed) => {
        const { vocabulary, inFeatures } = shape;
        const head = drawHead({ ...shape, rows: vocabulary }, seed, 1);
        const one = head.x.slice(0, inFeatures);
        for (let row = 0; row < vocabulary; row++) head.x.set(one, row * inFeatures);
        head.targets = Int32Array.from({ length: vocabulary }, (_, id) => id);
        const total = (await score(backend(), head, cuts)).reduce((sum, nll) => sum + Math.exp(-nll), 0);
        expect(Math.abs(total - 1)).toBeLessThan(1e-5);
      },
    );

    test.prop([headShape, someCuts, seeds])('give ln V where all logits are equal', async (shape, cuts, seed) => {
      const head = drawHead({ ...shape, bias: false }, seed, 1);
      const one = head.weight.slice(0, shape.inFeatures);
      for (let id = 0; id < shape.vocabulary; id++) head.weight.set(one, id * shape.inFeatures);
      const expected = Math.log(shape.vocabulary);
      for (const nll of await score(backend(), head, cuts)) expect(Math.abs(nll - expected)).toBeLessThan(1e-5);
    });

    test.prop([headShape, someCuts, seeds, fc.nat()])(
      'give NaN for the target −1, leaving the other rows bit-equal',
      async (shape, cuts, seed, some) => {
        const head = drawHead(shape, seed, 1);
        const expected = await score(backend(), head, cuts);
        const row = some % shape.rows;
        expected[row] = NaN;
        const targets = head.targets.with(row, -1);
        expect(await score(backend(), { ...head, targets }, cuts)).toEqual(expected);
      },
    );

    test.prop([headShape, someCuts, seeds, fc.nat(), fc.nat()])(
      'are bit-equal however many rows are stacked around a row',
      async (shape, cuts, seed, first, count) => {
        const head = drawHead(shape, seed, 1);
        const from = first % shape.rows;
        const to = from + 1 + (count % (shape.rows - from));
        const x = head.x.slice(from * shape.inFeatures, to * shape.inFeatures);
        const alone = { ...head, rows: to - from, x, targets: head.targets.slice(from, to) };
        const stacked = await score(backend(), head, cuts);
        expect(await score(backend(), alone, cuts)).toEqual(stacked.slice(from, to));
      },
    );

    test.prop([headShape, someCuts, seeds])(
      'keep the sum in f32 when asked, in the order of ids',
      async (shape, cuts, seed) => {
        const head = drawHead(shape, seed, 1);
        const found = await score(backend(), head, cuts, 'f32');
        const oracle = runningSumOracle(head);
        for (const [row, nll] of found.entries()) expect(Math.abs(nll - oracle[row])).toBeLessThan(2e-5);
      },
    );

    it('lose in f32 what is below half a unit of the sum, and nothing in f64', async () => {
      // One id holds nearly all of the probability and comes first; 40,000 others have e^−17.4 =
      // 2.8e-8 each.
      const vocabulary = 40_001;
      const weight = new Float32Array(vocabulary).fill(-17.4).with(0, 0);
      const head: Head = {
        x: Float32Array.of(1),
        weight,
        bias: null,
        targets: Int32Array.of(0),
        rows: 1,
        inFeatures: 1,
        vocabulary,
      };
      const lost = Math.log(1 + 40_000 * Math.exp(-17.4));
      expect((await score(backend(), head, [0.3], 'f32'))[0]).toBe(0);
      expect(Math.abs((await score(backend(), head, [0.3]))[0] / lost - 1)).toBeLessThan(1e-2);
    });

    it('leave the rows and the head as they were', async () => {
      const head = drawHead({ rows: 7, inFeatures: 33, vocabulary: 50, bias: true }, 5, 1);
      const x = backend().store(head.x, head.rows, head.inFeatures);
      const tile = backend().packLinear(head.weight, head.vocabulary, head.inFeatures, head.bias);
      const first = await backend().finishNll(backend().nllTile(x, tile, 0, head.targets, null));
      const second = await backend().finishNll(backend().nllTile(x, tile, 0, head.targets, null));
      expect(second).toEqual(first);
      expect(await backend().download(x)).toEqual(head.x);
      backend().free(x);
      backend().freeLinear(tile);
    });
  });
}

/** A head whose logits are normal, times `scale`. */
function drawHead(
  { rows, inFeatures, vocabulary, bias }: { rows: number; inFeatures: number; vocabulary: number; bias: boolean },
  seed: number,
  scale: number,
): Head {
  const rng = seededRng(seed);
  const gain = scale / Math.sqrt(inFeatures);
  return {
    x: normals(seed, rows * inFeatures),
    weight: drawArray(rng.fork('weight'), vocabulary * inFeatures).map((value) => value * gain),
    bias: bias ? drawArray(rng.fork('bias'), vocabulary) : null,
    targets: Int32Array.from({ length: rows }, () => rng.int(vocabulary)),
    rows,
    inFeatures,
    vocabulary,
  };
}

/** Scores the rows with the vocabulary cut at the given shares of it. */
async function score(backend: Backend, head: Head, cuts: readonly number[], sum?: NllSum): Promise<Float32Array> {
  const { inFeatures, vocabulary } = head;
  const inner = cuts.map((share) => Math.floor(share * vocabulary)).filter((id) => id > 0 && id < vocabulary);
  const bounds = [...new Set([0, ...inner, vocabulary])].sort((a, b) => a - b);
  const x = backend.store(head.x, head.rows, inFeatures);
  let state: NllState | null = null;
  for (const [index, from] of bounds.slice(0, -1).entries()) {
    const to = bounds[index + 1];
    const weight = head.weight.subarray(from * inFeatures, to * inFeatures);
    const tile = backend.packLinear(weight, to - from, inFeatures, head.bias?.subarray(from, to) ?? null);
    state = backend.nllTile(x, tile, from, head.targets, state, sum);
    backend.freeLinear(tile);
  }
  backend.free(x);
  if (state === null) throw new Error('a vocabulary has at least one tile');
  return backend.finishNll(state);
}

/** lse − z_target with one f32 sum in the order of ids over terms relative to the row's maximum. */
function runningSumOracle({ x, weight, bias, targets, rows, inFeatures, vocabulary }: Head): number[] {
  const { values } = linearOracle(x, weight, bias, rows, inFeatures, vocabulary);
  return Array.from({ length: rows }, (_, row) => {
    const logits = values.subarray(row * vocabulary, (row + 1) * vocabulary);
    const highest = logits.reduce((a, b) => Math.max(a, b));
    const sum = logits.reduce((total, logit) => Math.fround(total + Math.exp(logit - highest)), 0);
    return Math.log(sum) + highest - logits[targets[row]];
  });
}

/** lse − z_target in f64; its terms are as large as the largest logit's terms. */
function nllOracle({ x, weight, bias, targets, rows, inFeatures, vocabulary }: Head): Oracle {
  const logits = linearOracle(x, weight, bias, rows, inFeatures, vocabulary);
  const values = new Float64Array(rows);
  const terms = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const range = [row * vocabulary, (row + 1) * vocabulary] as const;
    values[row] = logSumExpOracle([...logits.values.subarray(...range)]) - logits.values[range[0] + targets[row]];
    terms[row] = 1 + logits.terms.subarray(...range).reduce((a, b) => Math.max(a, b));
  }
  return { values, terms };
}
