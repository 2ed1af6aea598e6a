/**
 * What src/backends/gradients.ts asks of a backend, as one suite: every backward against an oracle
 * in f64 and against differences of the forward, its sequences alone, its memory and its misuse. A
 * spec calls it:
 *
 *     gradientContract('reference', async () => referenceBackend(), referenceLimits);
 */
import { fc, test } from '@fast-check/vitest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AttentionSpec, DeviceTensor } from '../../src/backends/backend.ts';
import type { GradientBackend, GradientScope } from '../../src/backends/gradients.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { DisposedError, ShapeError } from '../../src/errors.ts';
import { seeds, sizes, someFlavour } from '../arbitraries.ts';
import { f32Limits } from './backendContract.ts';
import type { Limits } from './compare.ts';
import { expectDifferences, expectOracles, expectUnitsAlone, type GradientCase } from './gradientCase.ts';
import {
  attentionCase,
  columnsCase,
  crossEntropyCase,
  geluCase,
  layerNormCase,
  linearCase,
  rmsNormCase,
  ropeCase,
  rowsCase,
  swigluCase,
} from './gradientCases.ts';
import type { Draw } from './opCases.ts';

const rows = fc.integer({ min: 1, max: 20 });
/** Beyond where sums over rows are cut. */
const manyRows = fc.oneof(rows, fc.constantFrom(63, 64, 65, 130));
const eps = fc.constantFrom(1e-5, 1e-6, 1e-12);
const headDims = fc.integer({ min: 1, max: 9 }).map((half) => half * 2);
const shape = fc.record({ rows, cols: sizes });
const kind = fc.constantFrom('tanh' as const, 'erf' as const);

/**
 * Whole sequences of lengths around those of a kernel's tile, any grouping of heads, any window.
 */
const attentionSpec: fc.Arbitrary<AttentionSpec> = fc
  .record({
    numKvHeads: fc.integer({ min: 1, max: 2 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: headDims,
    seqLen: fc.oneof(fc.integer({ min: 1, max: 14 }), fc.constantFrom(47, 48, 49, 61)),
    window: fc.option(fc.integer({ min: 1, max: 70 })),
  })
  .map(({ group, ...spec }) => ({ ...spec, numHeads: spec.numKvHeads * group, keyLen: spec.seqLen }));

const ropeShape = fc.record({
  sequences: fc.integer({ min: 1, max: 3 }),
  spec: fc.record({
    heads: fc.integer({ min: 1, max: 4 }),
    headDim: headDims,
    seqLen: fc.integer({ min: 1, max: 9 }),
    start: fc.nat(50),
  }),
});

const bounds = fc
  .tuple(rows, fc.nat(9), fc.integer({ min: 1, max: 9 }), fc.nat(9))
  .map(([height, from, width, after]) => ({ rows: height, from, to: from + width, cols: from + width + after }));

/** From a draw of numbers to a case, for each backward. */
type CaseMaker = fc.Arbitrary<(draw: Draw) => GradientCase>;

const makers: Readonly<Record<string, CaseMaker>> = {
  linear: makerOf(linearCase, fc.record({ rows: manyRows, inFeatures: sizes, outFeatures: sizes })),
  rmsNorm: makerOf(rmsNormCase, fc.record({ rows: manyRows, cols: sizes, eps })),
  layerNorm: makerOf(layerNormCase, fc.record({ rows: manyRows, cols: sizes, eps })),
  rope: makerOf(ropeCase, ropeShape),
  attention: makerOf(
    attentionCase,
    fc.record({
      sequences: fc.integer({ min: 1, max: 2 }),
      spec: attentionSpec,
      sharpness: fc.constantFrom(0, 1, 1, 1, 5),
    }),
  ),
  swiglu: makerOf(swigluCase, shape),
  gelu: makerOf(geluCase, fc.record({ rows, cols: sizes, kind })),
  crossEntropy: makerOf(crossEntropyCase, fc.record({ rows, cols: fc.oneof(sizes, fc.constantFrom(515, 1030)) })),
  rows: makerOf(rowsCase, fc.record({ rows, cols: sizes, ids: manyRows })),
  columns: makerOf(columnsCase, bounds),
};

/**
 * Where differences are taken: under an eps of the size of the numbers' own variance, a norm is
 * smooth over the differences' steps, whatever is drawn. A row of two numbers that are nearly alike
 * would turn over within one.
 */
const smoothMakers: Readonly<Record<string, CaseMaker>> = {
  ...makers,
  rmsNorm: makerOf(rmsNormCase, fc.record({ rows: manyRows, cols: sizes, eps: fc.constant(0.5) })),
  layerNorm: makerOf(layerNormCase, fc.record({ rows: manyRows, cols: sizes, eps: fc.constant(0.5) })),
};

function makerOf<Shape>(make: (shape: Shape, draw: Draw) => GradientCase, shapes: fc.Arbitrary<Shape>): CaseMaker {
  return shapes.map((some) => (draw) => make(some, draw));
}

const attention = (numHeads: number, numKvHeads: number, headDim: number, seqLen: number, window: number | null) => ({
  sequences: 3,
  spec: { numHeads, numKvHeads, headDim, seqLen, keyLen: seqLen, window },
  sharpness: 1,
});

/**
 * Cases with enough work that a backend with threads uses them, at sizes that no number of threads
 * divides.
 */
export const tallGradientCases: readonly GradientCase[] = [
  linearCase({ rows: 519, inFeatures: 67, outFeatures: 53 }, { seed: 1, flavour: 'outliers' }),
  linearCase({ rows: 257, inFeatures: 128, outFeatures: 96 }, { seed: 2, flavour: 'normal' }),
  rmsNormCase({ rows: 519, cols: 107, eps: 1e-6 }, { seed: 3, flavour: 'outliers' }),
  layerNormCase({ rows: 519, cols: 107, eps: 1e-5 }, { seed: 4, flavour: 'offset' }),
  ropeCase({ sequences: 7, spec: { heads: 5, headDim: 34, seqLen: 101, start: 3 } }, { seed: 5, flavour: 'normal' }),
  attentionCase(attention(3, 1, 18, 101, null), { seed: 6, flavour: 'outliers' }),
  attentionCase(attention(4, 2, 16, 101, 20), { seed: 7, flavour: 'normal' }),
  swigluCase({ rows: 509, cols: 131 }, { seed: 8, flavour: 'outliers' }),
  geluCase({ rows: 509, cols: 131, kind: 'tanh' }, { seed: 9, flavour: 'outliers' }),
  geluCase({ rows: 509, cols: 131, kind: 'erf' }, { seed: 10, flavour: 'normal' }),
  crossEntropyCase({ rows: 203, cols: 517 }, { seed: 11, flavour: 'outliers' }),
  rowsCase({ rows: 37, cols: 211, ids: 1033 }, { seed: 12, flavour: 'normal' }),
  columnsCase({ rows: 1011, cols: 211, from: 100, to: 107 }, { seed: 13, flavour: 'normal' }),
];

export function gradientContract(name: string, make: () => Promise<GradientBackend>, limits: Limits = f32Limits): void {
  describe(`the gradient contract: ${name}`, () => {
    let made: GradientBackend | null = null;
    const backend = (): GradientBackend => {
      if (made === null) throw new Error('the backend is made in beforeAll');
      return made;
    };
    beforeAll(async () => {
      made = await make();
    });
    let bytesBefore = 0;
    beforeEach(() => {
      bytesBefore = backend().bytesInUse();
    });
    afterEach(() => expect(backend().bytesInUse()).toBe(bytesBefore));
    afterAll(() => made?.dispose());

    describe.each(Object.entries(makers))('%s', (op, maker) => {
      test.prop([maker, seeds, someFlavour], { numRuns: 20 })('is what an oracle says', (makeCase, seed, flavour) =>
        expectOracles(backend(), makeCase({ seed, flavour }), limits),
      );

      test.prop([smoothMakers[op], seeds], { numRuns: 10 })('is how the forward changes', (makeCase, seed) =>
        expectDifferences(backend(), makeCase({ seed, flavour: 'normal' }), limits, seed),
      );

      test.prop([maker, seeds, someFlavour], { numRuns: 10 })(
        'gives a sequence the same bits alone as among others',
        (makeCase, seed, flavour) => expectUnitsAlone(backend(), makeCase({ seed, flavour }), seed),
      );
    });

    it.each(tallGradientCases.map((some) => ({ name: some.name, some })))('$name', ({ some }) =>
      expectOracles(backend(), some, limits),
    );

    test.prop([sizes, sizes, seeds])('a packed weight with a bias is that of packLinear', async (out, cols, seed) => {
      const { weight, bias, x } = {
        weight: ramp(out * cols, seed),
        bias: ramp(out, seed),
        x: ramp(3 * cols, seed + 1),
      };
      const scope = backend().scope();
      const input = scope.upload(x, 3, cols);
      const packed = backend().packLinear(weight, out, cols, bias);
      const expected = await backend().download(scope.linear(input, packed));
      const flipped = weight.map((__, i) => weight[(i % out) * cols + Math.floor(i / out)]);
      for (const own of [scope.pack(weight, out, cols, bias, false), scope.pack(flipped, cols, out, bias, true)]) {
        expect([own.outFeatures, own.inFeatures]).toEqual([out, cols]);
        expect(await backend().download(scope.linear(input, own))).toEqual(expected);
      }
      scope.close();
      backend().freeLinear(packed);
    });

    it('a packed weight dies with its scope', () => {
      const scope = backend().scope();
      const packed = scope.pack(ramp(6, 1), 2, 3, null, false);
      scope.close();
      const other = backend().scope();
      expect(() => other.linear(other.upload(ramp(3, 1), 1, 3), packed)).toThrow(ShapeError);
      expect(() => scope.pack(ramp(6, 1), 2, 3, null, false)).toThrow(ShapeError);
      other.close();
    });

    it.each(extremes)('%s beyond the range of f32 mean what they do in f64', async (_, run) => {
      const downloaded = async (from: GradientBackend): Promise<Float32Array[]> => {
        const scope = from.scope();
        const found = await Promise.all(run(scope).map((x) => from.download(x)));
        scope.close();
        return found;
      };
      const [found, expected] = [await downloaded(backend()), await downloaded(referenceBackend())];
      for (const [index, values] of expected.entries()) {
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const wrong = [...values].findIndex((value, at) => {
          const error = Math.abs(found[index][at] - value);
          return value !== found[index][at] && !(error <= 1e-4 * Math.abs(value) + 1e-6 * largest + 1e-29);
        });
        if (wrong >= 0) expect.fail(`result ${index} [${wrong}] is ${found[index][wrong]}, expected ${values[wrong]}`);
      }
    });

    it('refuses every backward with a DisposedError once it is disposed', async () => {
      const own = await make();
      const scope = own.scope();
      const [x, gain, ids] = [scope.upload(ramp(24, 1), 4, 6), scope.upload(ramp(6, 1), 1, 6), new Int32Array(4)];
      const table = { cos: scope.upload(ramp(4, 1), 4, 1), sin: scope.upload(ramp(4, 2), 4, 1) };
      const uses: (() => unknown)[] = [
        () => scope.pack(ramp(6, 1), 2, 3, null, false),
        () => scope.gatherRows(x, ids),
        () => scope.scatterRows(x, ids, 4),
        () => scope.linearBackwardWeight(x, x),
        () => scope.columnSums(x),
        () => scope.rmsNormBackward(x, x, gain, 1e-5),
        () => scope.layerNormBackward(x, x, gain, 1e-5),
        () => scope.ropeBackward(x, table, { heads: 3, headDim: 2, seqLen: 4, start: 0 }),
        () => scope.attentionBackward(x, x, x, x, { ...spec, numKvHeads: 2 }),
        () => scope.swigluBackward(x, x, x),
        () => scope.geluBackward(x, x, 'tanh'),
        () => scope.placeColumns(x, 0, 7),
        () => scope.scale(x, 2),
        () => scope.crossEntropy(x, ids, 1),
        () => own.scope(),
      ];
      for (const use of uses) use();
      const disposal = own.dispose();
      for (const use of uses) expect(use).toThrow(DisposedError);
      await disposal;
      scope.close();
      expect(own.bytesInUse()).toBe(0);
    });

    it.each(misuses)('%s: %s is refused', (op, _, call) => {
      const scope = backend().scope();
      const zeros = (height: number, width: number): DeviceTensor =>
        scope.upload(new Float32Array(height * width), height, width);
      expect(() => call(scope, zeros(4, 6), zeros)).toThrow(ShapeError);
      expect(() => call(scope, zeros(4, 6), zeros)).toThrow(op);
      scope.close();
    });
  });
}

function ramp(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i + seed));
}

const spec = { numHeads: 2, numKvHeads: 2, headDim: 3, seqLen: 4, keyLen: 4, window: null };
type Zeros = (rows: number, cols: number) => DeviceTensor;

const huge = (scope: GradientScope, height: number, width: number, seed: number, factor: number): DeviceTensor =>
  scope.upload(
    ramp(height * width, seed).map((value) => value * factor),
    height,
    width,
  );
const sizesOfX = [-3e38, -1e30, -1e13, -1000, -100, -50, 0, 50, 1e13, 1e30, 3e38];

/** Backwards of inputs whose forward would leave f32 on the way. */
const extremes: [what: string, run: (scope: GradientScope) => DeviceTensor[]][] = [
  [
    'attentionBackward: scores',
    (scope) => {
      const [q, k] = [huge(scope, 7, 6, 1, 1e25), huge(scope, 7, 6, 2, 1e25)];
      const [dy, v] = [huge(scope, 7, 6, 3, 1), huge(scope, 7, 6, 4, 1)];
      const { dq, dk, dv } = scope.attentionBackward(dy, q, k, v, { ...spec, seqLen: 7, keyLen: 7 });
      return [dq, dk, dv];
    },
  ],
  [
    'rmsNormBackward: squares',
    (scope) => {
      const { dx, dWeight } = scope.rmsNormBackward(
        huge(scope, 2, 9, 1, 1),
        huge(scope, 2, 9, 2, 1e25),
        huge(scope, 1, 9, 3, 1),
        1e-5,
      );
      return [dx, dWeight];
    },
  ],
  [
    'swigluBackward: exponentials',
    (scope) => {
      const row = (values: readonly number[]): DeviceTensor =>
        scope.upload(Float32Array.from(values), 1, values.length);
      const ones = row(sizesOfX.map(() => 1));
      const { dGate, dUp } = scope.swigluBackward(ones, row(sizesOfX), ones);
      return [dGate, dUp];
    },
  ],
  [
    'geluBackward: exponentials',
    (scope) => {
      const row = (values: readonly number[]): DeviceTensor =>
        scope.upload(Float32Array.from(values), 1, values.length);
      const ones = row(sizesOfX.map(() => 1));
      return [scope.geluBackward(ones, row(sizesOfX), 'tanh'), scope.geluBackward(ones, row(sizesOfX), 'erf')];
    },
  ],
  [
    'crossEntropy: differences',
    (scope) => {
      const logits = scope.upload(Float32Array.of(3e38, -3e38, 0, 1, 2, -3e38), 2, 3);
      const { nll, dLogits } = scope.crossEntropy(logits, Int32Array.of(0, 1), 1);
      return [nll, dLogits];
    },
  ],
];

/** Calls that do not fit; x is [4, 6]. */
const misuses: [op: string, what: string, call: (scope: GradientScope, x: DeviceTensor, zeros: Zeros) => unknown][] = [
  ['pack', 'a weight of another length', (scope) => scope.pack(new Float32Array(5), 2, 3, null, false)],
  ['pack', 'a bias of another length', (scope) => scope.pack(new Float32Array(6), 2, 3, new Float32Array(3), false)],
  ['pack', 'the other bias', (scope) => scope.pack(new Float32Array(6), 2, 3, new Float32Array(2), true)],
  ['gatherRows', 'an id beyond the table', (scope, x) => scope.gatherRows(x, Int32Array.of(0, 4))],
  ['gatherRows', 'a negative id', (scope, x) => scope.gatherRows(x, Int32Array.of(-1))],
  ['scatterRows', 'a missing id', (scope, x) => scope.scatterRows(x, Int32Array.of(0, 1, 2), 4)],
  ['scatterRows', 'an id beyond the rows', (scope, x) => scope.scatterRows(x, Int32Array.of(0, 1, 2, 3), 3)],
  ['linearBackwardWeight', 'other rows', (scope, x, zeros) => scope.linearBackwardWeight(x, zeros(3, 6))],
  ['rmsNormBackward', 'other rows', (scope, x, zeros) => scope.rmsNormBackward(zeros(3, 6), x, zeros(1, 6), 1e-5)],
  ['rmsNormBackward', 'another weight', (scope, x, zeros) => scope.rmsNormBackward(x, x, zeros(1, 5), 1e-5)],
  ['layerNormBackward', 'other rows', (scope, x, zeros) => scope.layerNormBackward(zeros(3, 6), x, zeros(1, 6), 1e-5)],
  ['layerNormBackward', 'another weight', (scope, x, zeros) => scope.layerNormBackward(x, x, zeros(1, 5), 1e-5)],
  [
    'ropeBackward',
    'positions beyond the table',
    (scope, x, zeros) => {
      const table = { cos: zeros(3, 1), sin: zeros(3, 1) };
      return scope.ropeBackward(x, table, { heads: 3, headDim: 2, seqLen: 4, start: 0 });
    },
  ],
  ['attentionBackward', 'a dy of other rows', (scope, x, zeros) => scope.attentionBackward(zeros(3, 6), x, x, x, spec)],
  ['attentionBackward', 'other heads', (scope, x) => scope.attentionBackward(x, x, x, x, { ...spec, headDim: 2 })],
  [
    'attentionBackward',
    'keys before the queries',
    (scope, x, zeros) => scope.attentionBackward(zeros(2, 6), zeros(2, 6), x, x, { ...spec, seqLen: 2 }),
  ],
  ['swigluBackward', 'other rows', (scope, x, zeros) => scope.swigluBackward(x, x, zeros(3, 6))],
  ['geluBackward', 'other columns', (scope, x, zeros) => scope.geluBackward(x, zeros(4, 5), 'tanh')],
  ['placeColumns', 'columns beyond the end', (scope, x) => scope.placeColumns(x, 1, 6)],
  ['crossEntropy', 'a missing target', (scope, x) => scope.crossEntropy(x, Int32Array.of(0, 1, 2), 1)],
  ['crossEntropy', 'a target beyond the vocabulary', (scope, x) => scope.crossEntropy(x, Int32Array.of(0, 6, 1, 1), 1)],
  ['crossEntropy', 'a target below −1', (scope, x) => scope.crossEntropy(x, Int32Array.of(0, -2, 1, 1), 1)],
];
