/**
 * Makers of gradient cases, one a backward: from shapes, a flavour and a seed to inputs, call,
 * oracle and loss.
 */
import type { AttentionSpec, GeluKind, RopeSpec } from '../../src/backends/backend.ts';
import { causalAttention } from '../../src/ops/causalAttention.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { layerNorm } from '../../src/ops/layerNorm.ts';
import { linear } from '../../src/ops/linear.ts';
import { rmsNorm } from '../../src/ops/rmsNorm.ts';
import { rope } from '../../src/ops/rope.ts';
import { ropeTable } from '../../src/ops/ropeTable.ts';
import { swiglu } from '../../src/ops/swiglu.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { drawArray } from '../arbitraries.ts';
import type { GradientCase } from './gradientCase.ts';
import {
  attentionBackwardOracle,
  columnSumsOracle,
  crossEntropyOracle,
  geluBackwardOracle,
  layerNormBackwardOracle,
  linearBackwardOracle,
  rmsNormBackwardOracle,
  ropeBackwardOracle,
  scatterRowsOracle,
  swigluBackwardOracle,
  transposedTimesOracle,
} from './gradientOracles.ts';
import type { HostArray } from './opCase.ts';
import type { Draw } from './opCases.ts';
import { exact, logSumExpOracle } from './oracles.ts';

export interface LinearShape {
  rows: number;
  inFeatures: number;
  outFeatures: number;
}

/** dx, dW and dbias of y = x Wᵀ + bias. */
export function linearCase({ rows, inFeatures, outFeatures }: LinearShape, { seed, flavour }: Draw): GradientCase {
  const rng = seededRng(seed);
  const x = drawArray(rng, rows * inFeatures, flavour);
  const dy = drawArray(rng, rows * outFeatures);
  const weight = drawArray(rng, outFeatures * inFeatures);
  const bias = drawArray(rng, outFeatures);
  return {
    name: `linear [${rows}, ${inFeatures}] · [${outFeatures}, ${inFeatures}]ᵀ, ${flavour}`,
    arrays: [stream(dy, rows, outFeatures), stream(x, rows, inFeatures)],
    run: (scope, [slope, input]) => [
      scope.linear(slope, scope.pack(weight, outFeatures, inFeatures, null, true)),
      scope.linearBackwardWeight(slope, input),
      scope.columnSums(slope),
    ],
    unitRows: [1, 0, 0],
    oracle: () => [
      linearBackwardOracle(dy, weight, rows, outFeatures, inFeatures),
      transposedTimesOracle(dy, x, rows, outFeatures, inFeatures),
      columnSumsOracle(dy, outFeatures),
    ],
    inputs: [x, weight, bias],
    loss: ([input, w, shift]) => along(dy, (out) => linear(out, input, w, shift, rows, inFeatures, outFeatures)),
  };
}

export interface NormShape {
  rows: number;
  cols: number;
  eps: number;
}

export function rmsNormCase({ rows, cols, eps }: NormShape, { seed, flavour }: Draw): GradientCase {
  const rng = seededRng(seed);
  const [x, dy, weight] = [drawArray(rng, rows * cols, flavour), drawArray(rng, rows * cols), drawArray(rng, cols)];
  return {
    name: `rmsNorm [${rows}, ${cols}], eps ${eps}, ${flavour}`,
    arrays: [stream(dy, rows, cols), stream(x, rows, cols), parameter(weight)],
    run: (scope, [slope, input, gain]) => {
      const { dx, dWeight } = scope.rmsNormBackward(slope, input, gain, eps);
      return [dx, dWeight];
    },
    unitRows: [1, 0],
    oracle: () => rmsNormBackwardOracle(dy, x, weight, eps),
    inputs: [x, weight],
    loss: ([input, gain]) => along(dy, (out) => rmsNorm(out, input, gain, eps, rows, cols)),
  };
}

export function layerNormCase({ rows, cols, eps }: NormShape, { seed, flavour }: Draw): GradientCase {
  const rng = seededRng(seed);
  const [x, dy, weight] = [drawArray(rng, rows * cols, flavour), drawArray(rng, rows * cols), drawArray(rng, cols)];
  const bias = drawArray(rng, cols);
  return {
    name: `layerNorm [${rows}, ${cols}], eps ${eps}, ${flavour}`,
    arrays: [stream(dy, rows, cols), stream(x, rows, cols), parameter(weight)],
    run: (scope, [slope, input, gain]) => {
      const { dx, dWeight, dBias } = scope.layerNormBackward(slope, input, gain, eps);
      return [dx, dWeight, dBias];
    },
    unitRows: [1, 0, 0],
    oracle: () => layerNormBackwardOracle(dy, x, weight, eps),
    inputs: [x, weight, bias],
    loss: ([input, gain, shift]) => along(dy, (out) => layerNorm(out, input, gain, shift, eps, rows, cols)),
  };
}

export function ropeCase(
  { sequences, spec }: { sequences: number; spec: RopeSpec },
  { seed, flavour }: Draw,
): GradientCase {
  const { heads, headDim, seqLen, start } = spec;
  const [rows, cols, positions] = [sequences * seqLen, heads * headDim, start + seqLen];
  const rng = seededRng(seed);
  const [x, dy] = [drawArray(rng, rows * cols, flavour), drawArray(rng, rows * cols, flavour)];
  const { cos, sin } = ropeTable({ theta: 10_000, scaling: { type: 'default' } }, headDim, positions);
  return {
    name: `rope [${sequences}·${seqLen}, ${heads}·${headDim}] from position ${start}, ${flavour}`,
    arrays: [
      { data: dy, rows, cols, unitRows: seqLen },
      { data: cos, rows: positions, cols: headDim / 2, unitRows: 0 },
      { data: sin, rows: positions, cols: headDim / 2, unitRows: 0 },
    ],
    run: (scope, [slope, cosines, sines]) => [scope.ropeBackward(slope, { cos: cosines, sin: sines }, spec)],
    unitRows: [seqLen],
    oracle: () => [ropeBackwardOracle(dy, cos, sin, spec)],
    inputs: [x],
    loss: ([input]) => along(dy, (out) => rope(out, input, cos, sin, rows, spec)),
  };
}

export interface AttentionShape {
  sequences: number;
  spec: AttentionSpec;
  sharpness: number;
}

export function attentionCase({ sequences, spec, sharpness }: AttentionShape, { seed, flavour }: Draw): GradientCase {
  const { numHeads, numKvHeads, headDim, seqLen, window } = spec;
  const rng = seededRng(seed);
  const rows = sequences * seqLen;
  const [width, keyWidth] = [numHeads * headDim, numKvHeads * headDim];
  const q = drawArray(rng, rows * width).map((value) => value * sharpness);
  const k = drawArray(rng, rows * keyWidth);
  const v = drawArray(rng, rows * keyWidth, flavour);
  const dy = drawArray(rng, rows * width);
  const sequencesOf = (data: Float32Array, cols: number): HostArray => ({ data, rows, cols, unitRows: seqLen });
  return {
    name:
      `attention ${sequences} × ${seqLen}, ${numHeads}/${numKvHeads} heads of ${headDim}, ` +
      `window ${window ?? 'none'}, sharpness ${sharpness}, ${flavour}`,
    arrays: [sequencesOf(dy, width), sequencesOf(q, width), sequencesOf(k, keyWidth), sequencesOf(v, keyWidth)],
    run: (scope, [slope, queries, keys, values]) => {
      const { dq, dk, dv } = scope.attentionBackward(slope, queries, keys, values, spec);
      return [dq, dk, dv];
    },
    unitRows: [seqLen, seqLen, seqLen],
    oracle: () => attentionBackwardOracle(dy, q, k, v, spec),
    inputs: [q, k, v],
    loss: ([queries, keys, values]) => along(dy, (out) => causalAttention(out, queries, keys, values, sequences, spec)),
  };
}

export interface Shape {
  rows: number;
  cols: number;
}

export function swigluCase({ rows, cols }: Shape, { seed, flavour }: Draw): GradientCase {
  const rng = seededRng(seed);
  const [gate, up] = [drawArray(rng, rows * cols, flavour), drawArray(rng, rows * cols)];
  const dy = drawArray(rng, rows * cols);
  return {
    name: `swiglu [${rows}, ${cols}], ${flavour}`,
    arrays: [stream(dy, rows, cols), stream(gate, rows, cols), stream(up, rows, cols)],
    run: (scope, [slope, first, second]) => {
      const { dGate, dUp } = scope.swigluBackward(slope, first, second);
      return [dGate, dUp];
    },
    unitRows: [1, 1],
    oracle: () => swigluBackwardOracle(dy, gate, up),
    inputs: [gate, up],
    loss: ([first, second]) => along(dy, (out) => swiglu(out, first, second, rows * cols)),
  };
}

export function geluCase({ rows, cols, kind }: Shape & { kind: GeluKind }, { seed, flavour }: Draw): GradientCase {
  const rng = seededRng(seed);
  const [x, dy] = [drawArray(rng, rows * cols, flavour), drawArray(rng, rows * cols)];
  return {
    name: `gelu ${kind} [${rows}, ${cols}], ${flavour}`,
    arrays: [stream(dy, rows, cols), stream(x, rows, cols)],
    run: (scope, [slope, input]) => [scope.geluBackward(slope, input, kind)],
    unitRows: [1],
    oracle: () => [geluBackwardOracle(dy, x, kind)],
    inputs: [x],
    loss: ([input]) => along(dy, (out) => gelu(out, input, kind, rows * cols)),
  };
}

/** About a third of the rows have no target. */
export function crossEntropyCase({ rows, cols }: Shape, { seed, flavour }: Draw): GradientCase {
  const rng = seededRng(seed);
  const logits = drawArray(rng, rows * cols, flavour).map((value) => value * 3);
  const ids = Int32Array.from({ length: rows }, () => (rng.int(3) === 0 ? -1 : rng.int(cols)));
  const weight = 1 / rows;
  return {
    name: `cross-entropy [${rows}, ${cols}], ${flavour}`,
    arrays: [stream(logits, rows, cols)],
    ids,
    run: (scope, [input], targets) => {
      const { nll, dLogits } = scope.crossEntropy(input, targets, weight);
      return [dLogits, nll];
    },
    unitRows: [1, 1],
    oracle: () => crossEntropyOracle(logits, ids, weight, cols),
    inputs: [logits],
    loss: ([input]) => {
      let total = 0;
      for (const [row, id] of ids.entries()) {
        const values = [...input.subarray(row * cols, (row + 1) * cols)];
        if (id >= 0) total += weight * (logSumExpOracle(values) - values[id]);
      }
      return total;
    },
  };
}

/** The sums by id, and the rows of that table by id. */
export function rowsCase({ rows, cols, ids: count }: Shape & { ids: number }, { seed, flavour }: Draw): GradientCase {
  const rng = seededRng(seed);
  const [table, dy] = [drawArray(rng, rows * cols), drawArray(rng, count * cols, flavour)];
  const ids = Int32Array.from({ length: count }, () => rng.int(rows));
  const gather = (x: Float32Array | Float64Array): Float64Array =>
    Float64Array.from({ length: count * cols }, (_, i) => x[ids[Math.floor(i / cols)] * cols + (i % cols)]);
  return {
    name: `${count} rows of [${rows}, ${cols}], ${flavour}`,
    arrays: [parameter(dy, count), parameter(table, rows)],
    ids,
    run: (scope, [slope, rowTable], some) => [scope.scatterRows(slope, some, rows), scope.gatherRows(rowTable, some)],
    unitRows: [0, 0],
    oracle: () => [scatterRowsOracle(dy, ids, rows), exact(gather(table))],
    inputs: [table],
    loss: ([input]) => along(dy, (out) => out.set(gather(input))),
  };
}

/** Columns put back among zeros, and a factor. */
export function columnsCase(
  { rows, cols, from, to }: Shape & { from: number; to: number },
  { seed, flavour }: Draw,
): GradientCase {
  const rng = seededRng(seed);
  const width = to - from;
  const [x, dy] = [drawArray(rng, rows * cols), drawArray(rng, rows * width, flavour)];
  const isInside = (i: number): boolean => i % cols >= from && i % cols < to;
  const place = Float64Array.from(x, (_, i) =>
    isInside(i) ? dy[Math.floor(i / cols) * width + (i % cols) - from] : 0,
  );
  return {
    name: `columns ${from} … ${to} of [${rows}, ${cols}], ${flavour}`,
    arrays: [stream(dy, rows, width)],
    run: (scope, [slope]) => [scope.placeColumns(slope, from, cols), scope.scale(slope, -1.75)],
    unitRows: [1, 1],
    oracle: () => [exact(place), exact(Float64Array.from(dy, (value) => -1.75 * value))],
    inputs: [x],
    loss: ([input]) => along(dy, (out) => out.set(input.filter((_, i) => isInside(i)))),
  };
}

/** Σ dy ∘ y of the y that `forward` writes. */
function along(dy: Float32Array, forward: (out: Float64Array) => void): number {
  const out = new Float64Array(dy.length);
  forward(out);
  return out.reduce((sum, value, i) => sum + value * dy[i], 0);
}

/** Rows that each stand for themselves. */
function stream(data: Float32Array, rows: number, cols: number): HostArray {
  return { data, rows, cols, unitRows: 1 };
}

/** What all rows share. */
function parameter(data: Float32Array, rows = 1): HostArray {
  return { data, rows, cols: data.length / rows, unitRows: 0 };
}
