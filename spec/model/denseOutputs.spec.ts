/** KL divergence from a dense model, from what perplexity needs anyway. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { DeviceTensor } from '../../src/backends/backend.ts';
import {
  denseOutputBytes,
  divergences,
  keptRowBytes,
  projected,
  type DenseOutputs,
} from '../../src/model/denseOutputs.ts';
import { Mask } from '../../src/model/mask.ts';
import { withScope } from '../../src/model/ownership.ts';
import { applyNorm } from '../../src/model/residualBlock.ts';
import { modelTensorNames } from '../../src/model/tensorNames.ts';
import { nextTokens, type Transformer } from '../../src/model/transformer.ts';
import { normals, seeds } from '../arbitraries.ts';
import { watchPeak } from '../prune/tinySearch.ts';
import { someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { onReference, onSimd } from './namedBackends.ts';
import { tinyTransformer, TINY_VOCAB } from './tinyTransformer.ts';

const LAYERS = 2;
const C = 16;

/** log softmax of logits, in f64. */
function logSoftmax(logits: Float64Array): Float64Array {
  const max = Math.max(...logits);
  const lse = max + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - max), 0));
  return logits.map((z) => z - lse);
}

/** U h for each row, in f64: [R][V]. */
function logitsOf(h: ArrayLike<number>, u: ArrayLike<number>, shift: readonly number[] = []): Float64Array[] {
  return Array.from({ length: h.length / C }, (_, row) => {
    return Float64Array.from({ length: u.length / C }, (__, v) => {
      let z = shift[row] ?? 0;
      for (let at = 0; at < C; at++) z += h[row * C + at] * u[v * C + at];
      return z;
    });
  });
}

/** Σ_v p_v (ln p_v − ln q_v), the definition. */
function klOf(p: Float64Array, q: Float64Array): number {
  return p.reduce((sum, own, v) => sum + Math.exp(own) * (own - q[v]), 0);
}

async function headOf(model: Transformer): Promise<Float32Array> {
  return model.source.rows(modelTensorNames(model.config).head, 0, model.config.vocabSize);
}

/** Final normed states of a model without a mask. */
async function statesOf(model: Transformer, ids: readonly Int32Array[], mask: Mask): Promise<Float32Array> {
  const { backend, pieces } = model;
  const x = await model.walk(ids, mask);
  const h = await withScope(backend, (scope) => backend.download(applyNorm(scope, pieces.config, pieces.finalNorm, x)));
  backend.free(x);
  return h;
}

async function klUnder(
  model: Transformer,
  ids: readonly Int32Array[],
  mask: Mask,
  dense: DenseOutputs,
): Promise<{ kl: Float32Array; nll: Float32Array }> {
  const x = await model.walk(ids, mask);
  const [{ kl = new Float32Array(), nll }] = await model.headFigures(
    [x],
    nextTokens(ids),
    (stream) => model.backend.free(stream),
    dense,
  );
  return { kl, nll };
}

/** The same from whole distributions, of each row that has a target; NaN elsewhere. */
async function plainKl(model: Transformer, ids: readonly Int32Array[], mask: Mask): Promise<number[]> {
  const u = await headOf(model);
  const p = logitsOf(await statesOf(model, ids, Mask.empty), u).map(logSoftmax);
  const q = logitsOf(await statesOf(model, ids, mask), u).map(logSoftmax);
  return Array.from(nextTokens(ids), (target, row) => (target < 0 ? NaN : klOf(p[row], q[row])));
}

function expectClose(found: ArrayLike<number>, expected: readonly number[], within: number): void {
  expect(found).toHaveLength(expected.length);
  for (const [row, value] of expected.entries()) {
    if (Number.isNaN(value)) expect(found[row]).toBeNaN();
    else expect(Math.abs(found[row] - value), `row ${row}`).toBeLessThan(within);
  }
}

describe('in f64, whatever the states and the head', () => {
  const cases = fc.record({
    rows: fc.integer({ min: 1, max: 5 }),
    vocab: fc.integer({ min: 2, max: 12 }),
    scale: fc.double({ min: 0.01, max: 4, noNaN: true }),
    seed: seeds,
  });

  /** What src/model/denseOutputs.ts keeps, in f64 and from the definition. */
  function outputsOf(hP: Float64Array, u: Float64Array, targets: Int32Array): DenseOutputs {
    const p = logitsOf(hP, u).map(logSoftmax);
    const directions = Float64Array.from(hP, (_, at) => {
      const [row, col] = [Math.floor(at / C), at % C];
      return u[targets[row] * C + col] - p[row].reduce((sum, own, v) => sum + Math.exp(own) * u[v * C + col], 0);
    });
    const zeros = { directions, levels: new Float64Array(targets.length) };
    return { directions, levels: projected(zeros, hP).map((own, row) => own - p[row][targets[row]]) };
  }

  const f64 = (values: Float32Array, scale = 1): Float64Array => Float64Array.from(values, (value) => value * scale);

  test.prop([cases])('it is the sum over the vocabulary to 1e-9', ({ rows, vocab, scale, seed }) => {
    const [hP, hQ] = [f64(normals(seed, rows * C), scale), f64(normals(seed + 1, rows * C), scale)];
    const u = f64(normals(seed + 2, vocab * C));
    const targets = Int32Array.from({ length: rows }, (_, row) => (seed + row) % vocab);
    const dense = outputsOf(hP, u, targets);
    const p = logitsOf(hP, u).map(logSoftmax);
    const q = logitsOf(hQ, u).map(logSoftmax);
    const nll = Float64Array.from(q, (own, row) => -own[targets[row]]);
    const found = divergences(dense, nll, projected(dense, hQ));
    const expected = p.map((own, row) => klOf(own, q[row]));
    expectClose(found, expected, 1e-9 * Math.max(1, ...expected));
    expect(Math.min(...found)).toBeGreaterThan(-1e-9);
  });
});

const backends = [onReference, onSimd('relaxed-fma', 1), onSimd('relaxed-fma', 2), onSimd('plain', 1)];

describe.each(backends)('on $name', ({ open, missing }) => {
  it.skipIf(missing).each(['tied', 'untied'])('%s: it is the sum over the vocabulary', async (tie) => {
    await fc.assert(
      fc.asyncProperty(someFamily, seeds, someMask(LAYERS), someSequences(), async (family, seed, mask, ids) => {
        const backend = await open();
        const config = { tie_word_embeddings: tie === 'tied' };
        const { model } = await tinyTransformer({
          family,
          layers: LAYERS,
          seed,
          backend,
          weightBytes: 2 ** 20,
          config,
        });
        const dense = await model.outputs(ids);
        const { kl } = await klUnder(model, ids, mask, dense);
        expectClose(kl, await plainKl(model, ids, mask), 1e-5);
        expect(Math.min(0, ...kl.filter((own) => !Number.isNaN(own)))).toBeGreaterThan(-2e-6);
        const same = await klUnder(model, ids, Mask.empty, dense);
        expect(same.kl.filter((own) => !Number.isNaN(own)).every((own) => own === 0)).toBe(true);
        model.free();
        expect(backend.bytesInUse()).toBe(0);
        await backend.dispose();
      }),
      { numRuns: 8 },
    );
  });
});

describe('on the reference', () => {
  test.prop([someFamily, seeds, someMask(LAYERS), someSequences()], { numRuns: 15 })(
    'losses are the same to the bit with it and without',
    async (family, seed, mask, ids) => {
      const { model } = await tinyTransformer({ family, layers: LAYERS, seed });
      const { nll } = await klUnder(model, ids, mask, await model.outputs(ids));
      const [plain] = await model.headNll([await model.walk(ids, mask)], nextTokens(ids));
      expect(nll).toEqual(plain);
    },
  );

  test.prop([seeds, someMask(LAYERS), someSequences(), fc.integer({ min: 1, max: 3 })], { numRuns: 15 })(
    'a stream of stacked ones has each one’s',
    async (seed, mask, ids, copies) => {
      const { model } = await tinyTransformer({ layers: LAYERS, seed });
      const { backend } = model;
      const dense = await model.outputs(ids);
      const { kl } = await klUnder(model, ids, mask, dense);
      const x = await model.walk(ids, mask);
      const tall = await withScope(backend, (scope) =>
        scope.keep(scope.stack(Array.from({ length: copies }, () => x))),
      );
      const free = (stream: DeviceTensor): void => backend.free(stream);
      const found = await model.headFigures([tall, x], nextTokens(ids), free, dense);
      expect(found[1].kl).toEqual(kl);
      expect(found[0].kl).toEqual(Float32Array.from({ length: copies * kl.length }, (_, at) => kl[at % kl.length]));
    },
  );

  test.prop([seeds, someMask(LAYERS), someSequences()], { numRuns: 15 })(
    'a number added to all logits of a row changes nothing',
    async (seed, mask, ids) => {
      const config = { tie_word_embeddings: false };
      const added = normals(seed + 5, C);
      const { model: plain } = await tinyTransformer({ layers: LAYERS, seed, config });
      const { model: shifted } = await tinyTransformer({
        layers: LAYERS,
        seed,
        config,
        // z_v + h·c for every v.
        edit: (tensors) => {
          const data = tensors.get('lm_head.weight')?.data ?? [];
          for (const at of data.keys()) data[at] += added[at % C];
        },
      });
      const { kl } = await klUnder(plain, ids, mask, await plain.outputs(ids));
      const other = await klUnder(shifted, ids, mask, await shifted.outputs(ids));
      expectClose(other.kl, [...kl], 2e-5);
    },
  );

  test.prop([seeds, someMask(LAYERS)], { numRuns: 6 })(
    'it is the mean rise of the loss where labels are drawn from p, and no label moves it',
    async (seed, mask) => {
      const { model } = await tinyTransformer({ layers: LAYERS, seed });
      const p = logitsOf(await statesOf(model, [Int32Array.of(3, 1, 4, 1)], Mask.empty), await headOf(model));
      const shares = logSoftmax(p[2]).map(Math.exp);
      let mean = 0;
      const found: number[] = [];
      for (let label = 0; label < TINY_VOCAB; label++) {
        const ids = [Int32Array.of(3, 1, 4, label)];
        const dense = await model.outputs(ids);
        const before = await klUnder(model, ids, Mask.empty, dense);
        const after = await klUnder(model, ids, mask, dense);
        mean += shares[label] * (after.nll[2] - before.nll[2]);
        found.push(after.kl[2]);
      }
      for (const own of found) expect(Math.abs(own - mean)).toBeLessThan(2e-6);
    },
  );

  it('of more rows and ids than pass the head at once', async () => {
    const config = { vocab_size: 2500 };
    const watched = watchPeak(await onReference.open());
    const { model } = await tinyTransformer({ layers: 1, config, backend: watched.backend });
    const ids = Array.from({ length: 6 }, (_, at) =>
      Int32Array.from({ length: 60 }, (__, t) => (at * 997 + t * 41) % 2500),
    );
    const stream = ids.length * 60 * C * 4;
    await model.nll(ids, Mask.empty);
    watched.reset();
    const held = watched.backend.bytesInUse();
    const dense = await model.outputs(ids);
    expect(watched.peak() - held).toBeLessThan(denseOutputBytes(model.config) + 20 * stream);
    expect(dense.directions.byteLength + dense.levels.byteLength).toBe(keptRowBytes(C) * 360);
    const mask = Mask.parse('L0.mlp', model.config);
    const { kl } = await klUnder(model, ids, mask, dense);
    expectClose(kl, await plainKl(model, ids, mask), 1e-5);
  });

  it('of a model that is not finite it is not a number, and the streams are let go of', async () => {
    const { model } = await tinyTransformer({ layers: 1 });
    const { backend } = model;
    const ids = [Int32Array.of(1, 2, 3)];
    const dense = await model.outputs(ids);
    const x = backend.store(new Float32Array(3 * C).fill(NaN), 3, C);
    const held = backend.bytesInUse();
    const free = (stream: DeviceTensor): void => backend.free(stream);
    const [{ kl }] = await model.headFigures([x], nextTokens(ids), free, dense);
    expect([...(kl ?? [])].every(Number.isNaN)).toBe(true);
    expect(backend.bytesInUse()).toBe(held - 3 * C * 4);
  });
});
