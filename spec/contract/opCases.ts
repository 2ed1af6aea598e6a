/** Makers of cases, one an op: from shapes, a flavour and a seed to inputs, call and oracle. */
import { ropeTable } from '../../src/ops/ropeTable.ts';
import type { AttentionSpec, GeluKind, RopeSpec } from '../../src/backends/backend.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { drawArray, type Flavour } from '../arbitraries.ts';
import type { HostArray, OpCase } from './opCase.ts';
import {
  attentionOracle,
  exact,
  geluOracle,
  layerNormOracle,
  linearOracle,
  rmsNormOracle,
  ropeOracle,
  swigluOracle,
} from './oracles.ts';

/** What a case is drawn from beside its shapes. */
export interface Draw {
  seed: number;
  flavour: Flavour;
}

export function linearCase(
  { rows, inFeatures, outFeatures, bias }: { rows: number; inFeatures: number; outFeatures: number; bias: boolean },
  { seed, flavour }: Draw,
): OpCase {
  const rng = seededRng(seed);
  const x = drawArray(rng, rows * inFeatures, flavour);
  // Nearly constant weights, so that the cancelling and offset flavours of x stay what they are.
  const even = flavour === 'cancelling' || flavour === 'offset';
  const weight = drawArray(rng, outFeatures * inFeatures).map((value) => (even ? 1 + value * 1e-3 : value));
  const shift = bias ? drawArray(rng, outFeatures) : null;
  return {
    name: `linear [${rows}, ${inFeatures}] · [${outFeatures}, ${inFeatures}]ᵀ${bias ? ' + bias' : ''}, ${flavour}`,
    kind: 'reduction',
    wellConditioned: flavour !== 'cancelling',
    arrays: [{ data: x, rows, cols: inFeatures, unitRows: 1 }],
    linears: [{ weight, bias: shift, outFeatures, inFeatures }],
    run: (scope, [input], [w]) => scope.linear(input, w),
    oracle: () => linearOracle(x, weight, shift, rows, inFeatures, outFeatures),
  };
}

export function rmsNormCase(
  { rows, cols, eps }: { rows: number; cols: number; eps: number },
  { seed, flavour }: Draw,
): OpCase {
  const rng = seededRng(seed);
  const x = drawArray(rng, rows * cols, flavour);
  const weight = drawArray(rng, cols);
  return {
    name: `rmsNorm [${rows}, ${cols}], eps ${eps}, ${flavour}`,
    kind: 'reduction',
    wellConditioned: true,
    arrays: [stream(x, rows, cols), parameter(weight)],
    linears: [],
    run: (scope, [input, gain]) => scope.rmsNorm(input, gain, eps),
    oracle: () => rmsNormOracle(x, weight, eps),
  };
}

export function layerNormCase(
  { rows, cols, eps }: { rows: number; cols: number; eps: number },
  { seed, flavour }: Draw,
): OpCase {
  const rng = seededRng(seed);
  const x = drawArray(rng, rows * cols, flavour);
  const weight = drawArray(rng, cols);
  const bias = drawArray(rng, cols);
  return {
    name: `layerNorm [${rows}, ${cols}], eps ${eps}, ${flavour}`,
    kind: 'reduction',
    // The deviations of few numbers from their mean may all but vanish.
    wellConditioned: flavour !== 'offset' && cols > 8,
    arrays: [stream(x, rows, cols), parameter(weight), parameter(bias)],
    linears: [],
    run: (scope, [input, gain, shift]) => scope.layerNorm(input, gain, shift, eps),
    oracle: () => layerNormOracle(x, weight, bias, eps),
  };
}

export function ropeCase({ sequences, spec }: { sequences: number; spec: RopeSpec }, { seed, flavour }: Draw): OpCase {
  const { heads, headDim, seqLen, start } = spec;
  const rows = sequences * seqLen;
  const positions = start + seqLen;
  const x = drawArray(seededRng(seed), rows * heads * headDim, flavour);
  const { cos, sin } = ropeTable({ theta: 10_000, scaling: { type: 'default' } }, headDim, positions);
  return {
    name: `rope [${sequences}·${seqLen}, ${heads}·${headDim}] from position ${start}, ${flavour}`,
    kind: 'elementwise',
    wellConditioned: flavour !== 'cancelling' && flavour !== 'offset',
    arrays: [
      { data: x, rows, cols: heads * headDim, unitRows: seqLen },
      { data: cos, rows: positions, cols: headDim / 2, unitRows: 0 },
      { data: sin, rows: positions, cols: headDim / 2, unitRows: 0 },
    ],
    linears: [],
    run: (scope, [input, cosines, sines]) => scope.rope(input, { cos: cosines, sin: sines }, spec),
    oracle: () => ropeOracle(x, cos, sin, spec),
  };
}

/**
 * Values are of the flavour; queries and keys are normal times `sharpness`, as scores beyond ±10
 * pick a single key.
 */
export function attentionCase(
  { sequences, spec, sharpness }: { sequences: number; spec: AttentionSpec; sharpness: number },
  { seed, flavour }: Draw,
): OpCase {
  const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
  const rng = seededRng(seed);
  const q = drawArray(rng, sequences * seqLen * numHeads * headDim).map((value) => value * sharpness);
  const k = drawArray(rng, sequences * keyLen * numKvHeads * headDim);
  const v = drawArray(rng, sequences * keyLen * numKvHeads * headDim, flavour);
  const width = numKvHeads * headDim;
  return {
    name:
      `attention ${sequences} × ${seqLen} queries × ${keyLen} keys, ${numHeads}/${numKvHeads} heads of ${headDim}, ` +
      `window ${window ?? 'none'}, sharpness ${sharpness}, ${flavour}`,
    kind: 'reduction',
    wellConditioned: sharpness <= 1 && flavour !== 'cancelling',
    arrays: [
      { data: q, rows: sequences * seqLen, cols: numHeads * headDim, unitRows: seqLen },
      { data: k, rows: sequences * keyLen, cols: width, unitRows: keyLen },
      { data: v, rows: sequences * keyLen, cols: width, unitRows: keyLen },
    ],
    linears: [],
    run: (scope, [queries, keys, values]) => scope.attention(queries, keys, values, spec),
    oracle: () => attentionOracle(q, k, v, spec),
  };
}

export function swigluCase({ rows, cols }: { rows: number; cols: number }, { seed, flavour }: Draw): OpCase {
  const rng = seededRng(seed);
  const gate = drawArray(rng, rows * cols, flavour);
  const up = drawArray(rng, rows * cols);
  return {
    name: `swiglu [${rows}, ${cols}], ${flavour}`,
    kind: 'elementwise',
    wellConditioned: true,
    arrays: [stream(gate, rows, cols), stream(up, rows, cols)],
    linears: [],
    run: (scope, [first, second]) => scope.swiglu(first, second),
    oracle: () => swigluOracle(gate, up),
  };
}

export function geluCase(
  { rows, cols, kind }: { rows: number; cols: number; kind: GeluKind },
  { seed, flavour }: Draw,
): OpCase {
  const x = drawArray(seededRng(seed), rows * cols, flavour);
  return {
    name: `gelu ${kind} [${rows}, ${cols}], ${flavour}`,
    kind: 'elementwise',
    // All far below zero, nothing but the difference of two equal numbers would be left.
    wellConditioned: x.some((value) => value > 0),
    arrays: [stream(x, rows, cols)],
    linears: [],
    run: (scope, [input]) => scope.gelu(input, kind),
    oracle: () => geluOracle(x, kind),
  };
}

export function addCase({ rows, cols }: { rows: number; cols: number }, { seed, flavour }: Draw): OpCase {
  const rng = seededRng(seed);
  const x = drawArray(rng, rows * cols, flavour);
  const y = drawArray(rng, rows * cols, flavour);
  return {
    name: `add [${rows}, ${cols}], ${flavour}`,
    // Both inputs are f32, so that even the sum is one correct rounding: bit-equal everywhere.
    kind: 'copy',
    wellConditioned: true,
    arrays: [stream(x, rows, cols), stream(y, rows, cols)],
    linears: [],
    run: (scope, [first, second]) => scope.add(first, second),
    oracle: () => exact(Float64Array.from(x, (value, index) => Math.fround(value + y[index]))),
  };
}

export function columnsCase(
  { rows, cols, from, to }: { rows: number; cols: number; from: number; to: number },
  { seed, flavour }: Draw,
): OpCase {
  const x = drawArray(seededRng(seed), rows * cols, flavour);
  return {
    name: `columns ${from} … ${to} of [${rows}, ${cols}], ${flavour}`,
    kind: 'copy',
    wellConditioned: true,
    arrays: [stream(x, rows, cols)],
    linears: [],
    run: (scope, [input]) => scope.columns(input, from, to),
    oracle: () => exact(Float64Array.from(x.filter((_, index) => index % cols >= from && index % cols < to))),
  };
}

/** Rows that each stand for themselves. */
function stream(data: Float32Array, rows: number, cols: number): HostArray {
  return { data, rows, cols, unitRows: 1 };
}

/** A [1, C] weight or bias that all rows share. */
function parameter(data: Float32Array): HostArray {
  return { data, rows: 1, cols: data.length, unitRows: 0 };
}
