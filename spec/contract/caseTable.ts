/** The cases themselves: a fixed table of edges with names, and draws of every op around them. */
import { fc } from '@fast-check/vitest';
import type { AttentionSpec, RopeSpec } from '../../src/backends/backend.ts';
import { flavours, seeds, sizes, someFlavour } from '../arbitraries.ts';
import type { OpCase } from './opCase.ts';
import { tallStatisticsCases } from './statisticsCases.ts';
import {
  addCase,
  attentionCase,
  columnsCase,
  geluCase,
  layerNormCase,
  linearCase,
  rmsNormCase,
  ropeCase,
  swigluCase,
  type Draw,
} from './opCases.ts';

const normal: Draw = { seed: 1, flavour: 'normal' };
const heads = (
  numHeads: number,
  numKvHeads: number,
  headDim: number,
): Pick<AttentionSpec, 'numHeads' | 'numKvHeads' | 'headDim'> => ({
  numHeads,
  numKvHeads,
  headDim,
});
const all = (length: number): Pick<AttentionSpec, 'seqLen' | 'keyLen' | 'window'> => ({
  seqLen: length,
  keyLen: length,
  window: null,
});

/** Edges worth a name. */
export const namedCases: readonly OpCase[] = [
  linearCase({ rows: 1, inFeatures: 1, outFeatures: 1, bias: false }, normal),
  linearCase({ rows: 1, inFeatures: 65, outFeatures: 7, bias: true }, normal),
  linearCase({ rows: 7, inFeatures: 1, outFeatures: 9, bias: true }, normal),
  linearCase({ rows: 5, inFeatures: 1031, outFeatures: 13, bias: false }, { seed: 2, flavour: 'outliers' }),
  linearCase({ rows: 48, inFeatures: 192, outFeatures: 256, bias: true }, normal),
  linearCase({ rows: 3, inFeatures: 513, outFeatures: 13, bias: true }, normal),
  ...flavours.map((flavour) =>
    linearCase({ rows: 13, inFeatures: 70, outFeatures: 33, bias: true }, { seed: 3, flavour }),
  ),
  ...flavours.map((flavour) => rmsNormCase({ rows: 3, cols: 67, eps: 1e-6 }, { seed: 4, flavour })),
  ...flavours.map((flavour) => layerNormCase({ rows: 3, cols: 67, eps: 1e-5 }, { seed: 5, flavour })),
  rmsNormCase({ rows: 2, cols: 1, eps: 1e-5 }, normal),
  ropeCase({ sequences: 1, spec: { heads: 1, headDim: 2, seqLen: 1, start: 0 } }, normal),
  ropeCase({ sequences: 2, spec: { heads: 3, headDim: 80, seqLen: 5, start: 1000 } }, normal),
  attentionCase({ sequences: 1, spec: { ...heads(1, 1, 2), ...all(1) }, sharpness: 1 }, normal),
  attentionCase(
    { sequences: 3, spec: { ...heads(4, 2, 80), ...all(9) }, sharpness: 1 },
    { seed: 6, flavour: 'outliers' },
  ),
  attentionCase({ sequences: 1, spec: { ...heads(9, 3, 64), ...all(70) }, sharpness: 1 }, normal),
  attentionCase({ sequences: 2, spec: { ...heads(6, 2, 6), ...all(33), window: 4 }, sharpness: 1 }, normal),
  attentionCase({ sequences: 1, spec: { ...heads(2, 1, 16), ...all(20), window: 1 }, sharpness: 1 }, normal),
  attentionCase(
    { sequences: 2, spec: { ...heads(2, 2, 8), seqLen: 1, keyLen: 31, window: null }, sharpness: 1 },
    normal,
  ),
  // Scores near ±1e4, as from outlying queries.
  attentionCase({ sequences: 1, spec: { ...heads(2, 1, 32), ...all(12) }, sharpness: 3000 }, normal),
  ...flavours.map((flavour) => swigluCase({ rows: 3, cols: 37 }, { seed: 7, flavour })),
  ...flavours.flatMap((flavour) =>
    (['tanh', 'erf'] as const).map((kind) => geluCase({ rows: 3, cols: 37, kind }, { seed: 8, flavour })),
  ),
  addCase({ rows: 3, cols: 37 }, { seed: 9, flavour: 'outliers' }),
  columnsCase({ rows: 4, cols: 11, from: 3, to: 8 }, normal),
];

/**
 * Cases with enough work that a backend with threads uses them, at sizes that no number of threads
 * divides.
 */
export const tallCases: readonly OpCase[] = [
  linearCase({ rows: 203, inFeatures: 97, outFeatures: 131, bias: true }, { seed: 11, flavour: 'outliers' }),
  rmsNormCase({ rows: 509, cols: 517, eps: 1e-6 }, { seed: 12, flavour: 'outliers' }),
  layerNormCase({ rows: 509, cols: 517, eps: 1e-5 }, { seed: 13, flavour: 'offset' }),
  ropeCase({ sequences: 7, spec: { heads: 5, headDim: 34, seqLen: 101, start: 3 } }, { seed: 14, flavour: 'normal' }),
  attentionCase(
    { sequences: 5, spec: { ...heads(3, 1, 18), ...all(53) }, sharpness: 1 },
    { seed: 15, flavour: 'outliers' },
  ),
  swigluCase({ rows: 509, cols: 131 }, { seed: 16, flavour: 'outliers' }),
  geluCase({ rows: 509, cols: 131, kind: 'tanh' }, { seed: 17, flavour: 'outliers' }),
  geluCase({ rows: 509, cols: 131, kind: 'erf' }, { seed: 18, flavour: 'outliers' }),
  addCase({ rows: 811, cols: 517 }, { seed: 19, flavour: 'outliers' }),
  ...tallStatisticsCases,
];

const rows = fc.integer({ min: 1, max: 20 });
const draw: fc.Arbitrary<Draw> = fc.record({ seed: seeds, flavour: someFlavour });
const eps = fc.constantFrom(1e-5, 1e-6, 1e-12);
/** Terms of a sum: also around 256 and 512, where a kernel may begin a new one. */
const lengths = fc.oneof({ weight: 3, arbitrary: sizes }, fc.constantFrom(255, 256, 257, 512, 513));
const headDims = fc.integer({ min: 1, max: 40 }).map((half) => half * 2);
const normShape = fc.record({ rows, cols: sizes, eps });
const shape = fc.record({ rows, cols: sizes });

const ropeSpec: fc.Arbitrary<RopeSpec> = fc.record({
  heads: fc.integer({ min: 1, max: 4 }),
  headDim: headDims,
  seqLen: fc.integer({ min: 1, max: 9 }),
  start: fc.oneof(fc.constant(0), fc.nat(50)),
});

/** Any grouping of heads, caches of any length, and windows from 1 to beyond the keys. */
export const attentionSpec: fc.Arbitrary<AttentionSpec> = fc
  .record({
    numKvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: headDims,
    seqLen: fc.integer({ min: 1, max: 14 }),
    past: fc.oneof(fc.constant(0), fc.nat(9)),
    window: fc.option(fc.integer({ min: 1, max: 26 })),
  })
  .map(({ group, past, numKvHeads, headDim, seqLen, window }) => {
    return { numHeads: numKvHeads * group, numKvHeads, headDim, seqLen, keyLen: seqLen + past, window };
  });

const bounds = fc
  .tuple(rows, fc.nat(9), fc.integer({ min: 1, max: 9 }), fc.nat(9))
  .map(([height, from, width, after]) => ({ rows: height, from, to: from + width, cols: from + width + after }));

/** One arbitrary of cases an op. */
export const drawnCases: Readonly<Record<string, fc.Arbitrary<OpCase>>> = {
  linear: cases(linearCase, fc.record({ rows, inFeatures: lengths, outFeatures: sizes, bias: fc.boolean() })),
  rmsNorm: cases(rmsNormCase, normShape),
  layerNorm: cases(layerNormCase, normShape),
  rope: cases(ropeCase, fc.record({ sequences: fc.integer({ min: 1, max: 3 }), spec: ropeSpec })),
  attention: cases(
    attentionCase,
    fc.record({
      sequences: fc.integer({ min: 1, max: 3 }),
      spec: attentionSpec,
      sharpness: fc.constantFrom(0, 1, 1, 1, 30),
    }),
  ),
  swiglu: cases(swigluCase, shape),
  gelu: cases(geluCase, fc.record({ rows, cols: sizes, kind: fc.constantFrom('tanh' as const, 'erf' as const) })),
  add: cases(addCase, shape),
  columns: cases(columnsCase, bounds),
};

function cases<Shape>(make: (shape: Shape, draw: Draw) => OpCase, shapes: fc.Arbitrary<Shape>): fc.Arbitrary<OpCase> {
  return fc.tuple(shapes, draw).map(([someShape, someDraw]) => make(someShape, someDraw));
}
