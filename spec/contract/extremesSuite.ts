/**
 * Numbers at the ends of f32: products, squares and sums beyond its range mean on every backend
 * what they mean in f64, rounded once. Only what is infinite or NaN itself stays so.
 */
import { describe, expect, it, test } from 'vitest';
import type { AttentionSpec, Backend, DeviceTensor, NllState, NllSum, Scope } from '../../src/backends/backend.ts';
import { normals } from '../arbitraries.ts';
import { expectSameBits } from './compare.ts';
import { attentionOracle, geluOracle, layerNormOracle, rmsNormOracle, swigluOracle } from './oracles.ts';

/**
 * Every value right to 1e-4 of itself, or as little beside it as the smallest numbers that count;
 * infinities in place.
 */
function expectMeaning(found: Float32Array, expected: ArrayLike<number>, floor = 1e-29): void {
  expect(found).toHaveLength(expected.length);
  for (const [index, value] of found.entries()) {
    const right = Math.fround(expected[index]);
    const fits = Number.isFinite(right) ? Math.abs(value - right) <= 1e-4 * Math.abs(right) + floor : value === right;
    if (!fits) expect.fail(`element ${index} is ${value}, expected ${right}`);
  }
}

const times = (seed: number, length: number, factor: number): Float32Array =>
  normals(seed, length).map((value) => value * factor);

const spec: AttentionSpec = { numHeads: 2, numKvHeads: 1, headDim: 4, seqLen: 15, keyLen: 15, window: null };

/** q, k and v of one sequence under `spec` or another one. */
type Attended = [what: string, q: Float32Array, k: Float32Array, v: Float32Array, spec: AttentionSpec];

const [q, k, v] = [normals(1, 120), normals(2, 60), normals(3, 60)];
const two = { numHeads: 1, numKvHeads: 1, headDim: 2, seqLen: 2, keyLen: 2, window: null };
const attended: Attended[] = [
  ['scores of ±1e50', times(1, 120, 1e25), times(2, 60, 1e25), v, spec],
  ['scores of ±1e40 under a window', times(1, 120, 1e20), times(2, 60, 1e20), v, { ...spec, window: 3 }],
  [
    'some queries and keys of 1e25',
    q.map((x, i) => (i % 40 < 8 ? x * 1e25 : x)),
    k.map((x, i) => (i % 20 < 4 ? x * 1e25 : x)),
    v,
    spec,
  ],
  [
    'a first score of −1e40 alone',
    Float32Array.of(1e20, 1e20, 0, 0),
    Float32Array.of(-1e20, 0, 1, 1),
    Float32Array.of(5, 6, 7, 8),
    two,
  ],
  [
    'products that cancel',
    Float32Array.of(1e30, 1e30, 1e30, 1e30),
    Float32Array.of(1e30, -1e30, -1e30, -1e30),
    Float32Array.of(5, 6, 7, 8),
    two,
  ],
  [
    'a score of 1e40 beside one of −1e40',
    Float32Array.of(1e20, 0, 1e20, 0),
    Float32Array.of(-1e20, 0, 1e20, 0),
    Float32Array.of(5, 6, 7, 8),
    two,
  ],
  ['values whose sum is beyond f32', q, k, v.map(() => 3e38), spec],
  [
    'values of both signs whose sum is beyond f32',
    q.map(() => 0),
    k,
    v.map((_, i) => (i % 3 === 0 ? -3e38 : 3e38)),
    spec,
  ],
];

const norms: [what: string, row: readonly number[]][] = [
  ['1e20', [...times(1, 9, 1e20)]],
  ['1e30', [...times(2, 9, 1e30)]],
  ['the largest numbers', [3e38, -3e38, -3e38, 3.4e38, -3e38, 3e38, 1, 0, -3.4e38]],
  ['one huge number', [1, -2, 3e38, 4, 5, -6, 7, 8, 9]],
];

const gates = [-3e38, -1e30, -1e10, -1000, -150, -100, -89, -88, 0, 1, 100, 1e30, 3e38];
const ups = [1, -1e20, 3e38, 1e-3, 0];
const activated = [-3e38, -1e30, -1e13, -1e7, -1e5, -50, -11, 0, 11, 50, 1e7, 1e13, 1e30, 3e38];

interface Logits {
  what: string;
  /** x is 1e30, and the weights of the ids are these. */
  weights: readonly number[];
  bias?: readonly number[];
  /** Each id's −ln p. */
  nats: readonly number[];
}
const heads: Logits[] = [
  { what: 'one beyond f32', weights: [1, -2, 1e10, 1.5, 0], nats: [Infinity, Infinity, 0, Infinity, Infinity] },
  { what: 'one far below f32', weights: [1e-30, -1e10, 0, 0, 0], nats: logSoftmax([1, -Infinity, 0, 0, 0]) },
  { what: 'the first far below f32', weights: [-1e10, 0, 1e-30, 0, 0], nats: logSoftmax([-Infinity, 0, 1, 0, 0]) },
  {
    what: 'ids that cannot come',
    weights: [0, 1e-30, 0, 2e-30, 0],
    bias: [-Infinity, 0, -Infinity, 0, 0],
    nats: logSoftmax([-Infinity, 1, -Infinity, 2, 0]),
  },
];

export function extremesSuite(backend: () => Backend): void {
  const inScope = async (make: (scope: Scope) => DeviceTensor): Promise<Float32Array> => {
    const scope = backend().scope();
    const found = await backend().download(make(scope));
    scope.close();
    return found;
  };
  const row = (scope: Scope, data: ArrayLike<number>): DeviceTensor =>
    scope.upload(Float32Array.from(data), 1, data.length);

  describe('beyond the range of f32', () => {
    test.each(attended)('attention over %s', async (_, queries, keys, values, some) => {
      const width = some.numHeads * some.headDim;
      const found = await inScope((scope) =>
        scope.attention(
          scope.upload(queries, some.seqLen, width),
          scope.upload(keys, some.keyLen, some.numKvHeads * some.headDim),
          scope.upload(values, some.keyLen, some.numKvHeads * some.headDim),
          some,
        ),
      );
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expectMeaning(found, attentionOracle(queries, keys, values, some).values, 1e-5 * largest);
    });

    it.each([null, 4])(
      'attention: an infinite value of token 7 reaches no row that does not see it, window %s',
      async (window) => {
        const attend = (values: Float32Array): Promise<Float32Array> =>
          inScope((scope) =>
            scope.attention(scope.upload(q, 15, 8), scope.upload(k, 15, 4), scope.upload(values, 15, 4), {
              ...spec,
              window,
            }),
          );
        const [before, after] = [await attend(v), await attend(v.map((value, i) => (i === 30 ? Infinity : value)))];
        expectSameBits(after.slice(0, 7 * 8), before.slice(0, 7 * 8));
        expect(after.slice(7 * 8, 8 * 8).every(Number.isFinite)).toBe(false);
        if (window !== null) expectSameBits(after.slice(11 * 8), before.slice(11 * 8));
      },
    );

    test.each(norms)('norms of %s', async (_, values) => {
      const x = Float32Array.from(values);
      const [gain, shift] = [normals(5, 9), normals(6, 9)];
      const rms = await inScope((scope) => scope.rmsNorm(row(scope, x), row(scope, gain), 1e-5));
      expectMeaning(rms, rmsNormOracle(x, gain, 1e-5).values);
      const layer = await inScope((scope) => scope.layerNorm(row(scope, x), row(scope, gain), row(scope, shift), 1e-5));
      expectMeaning(layer, layerNormOracle(x, gain, shift, 1e-5).values, 1e-5);
    });

    it('layerNorm of equal huge numbers is its bias', async () => {
      const [x, gain, shift] = [new Float32Array(8).fill(2 ** 127), normals(5, 8), normals(6, 8)];
      const found = await inScope((scope) => scope.layerNorm(row(scope, x), row(scope, gain), row(scope, shift), 1e-5));
      expectMeaning(found, shift, 1e-5);
    });

    it.each([1, 4, 5, 1500])('swiglu of gates and factors of any size, %s times', async (copies) => {
      const pairs = Array.from({ length: copies }, () => gates.flatMap((gate) => ups.map((up) => [gate, up]))).flat();
      const [gate, up] = [0, 1].map((side) => Float32Array.from(pairs, (pair) => pair[side]));
      const found = await inScope((scope) => scope.swiglu(row(scope, gate), row(scope, up)));
      expectMeaning(found, swigluOracle(gate, up).values);
    });

    it.each(['tanh', 'erf'] as const)('gelu %s of numbers of any size', async (kind) => {
      const x = Float32Array.from(activated);
      const found = await inScope((scope) => scope.gelu(row(scope, x), kind));
      expectMeaning(found, geluOracle(x, kind).values, 1e-25);
    });

    describe.each(['f64', 'f32'] as const)('the log-sum-exp, its sum in %s', (sum) => {
      const everyCut = [[], [1], [2], [1, 3]];
      test.each(heads.flatMap((head) => everyCut.map((cuts) => ({ ...head, cuts }))))(
        'over logits with $what, cut at $cuts',
        async ({ weights, bias, nats, cuts }) => {
          const targets = Int32Array.from(nats, (_, id) => id);
          const found = await score(backend(), weights, bias ?? null, targets, cuts, sum);
          expectMeaning(found, nats, 1e-5);
        },
      );

      // NaN, or infinite where a shading language does not know NaN: no number that could be taken
      // for a result.
      it('is not finite where a logit is NaN', async () => {
        for (const cuts of everyCut) {
          const found = await score(backend(), [1e-30, NaN, 0, 0, 0], null, Int32Array.of(0, 1, 2, 3, 4), cuts, sum);
          expect(found.some(Number.isFinite)).toBe(false);
        }
      });
    });
  });
}

/**
 * Scores rows that are all 1e30 with a head whose ids have these weights, cut into tiles at `cuts`.
 */
async function score(
  backend: Backend,
  weights: readonly number[],
  bias: readonly number[] | null,
  targets: Int32Array,
  cuts: readonly number[],
  sum: NllSum,
): Promise<Float32Array> {
  const x = backend.store(new Float32Array(targets.length).fill(1e30), targets.length, 1);
  let state: NllState | null = null;
  for (const [index, from] of [0, ...cuts].entries()) {
    const to = cuts[index] ?? weights.length;
    const part = <T>(of: readonly T[]): readonly T[] => of.slice(from, to);
    const shift = bias === null ? null : Float32Array.from(part(bias));
    const tile = backend.packLinear(Float32Array.from(part(weights)), to - from, 1, shift);
    state = backend.nllTile(x, tile, from, targets, state, sum);
    backend.freeLinear(tile);
  }
  backend.free(x);
  if (state === null) throw new Error('a head has a tile');
  return backend.finishNll(state);
}

function logSoftmax(logits: readonly number[]): number[] {
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => total - logit);
}
