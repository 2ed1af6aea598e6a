/**
 * Second opinions on every op, in f64 and written another way than src/ops: matrix products by
 * stdlib's dgemm, RoPE as a dense rotation matrix, attention as full masked score matrices, erfc by
 * the trapezoidal rule.
 *
 * Beside each result stands `terms`, the size of what it was added up from: where terms cancel, an
 * f32 backend is only right to some ulps of these.
 */
import dgemm from '@stdlib/blas/base/dgemm/lib/index.js';
import type { AttentionSpec, GeluKind, RopeSpec } from '../../src/backends/backend.ts';

export interface Oracle {
  values: Float64Array;
  /** Σ |terms| of each value, ≥ |value|. */
  terms: Float64Array;
  /** How many terms these are; left out where there are few. */
  count?: number;
}

type Floats = Float32Array | Float64Array;

/** a bᵀ for a [m, k] and b [n, k]. */
export function timesTransposed(a: Floats, b: Floats, m: number, n: number, k: number): Float64Array {
  const out = new Float64Array(m * n);
  const [left, right] = [Float64Array.from(a), Float64Array.from(b)];
  return dgemm('row-major', 'no-transpose', 'transpose', m, n, k, 1, left, k, right, k, 0, out, n);
}

export function linearOracle(
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array | null,
  rows: number,
  inFeatures: number,
  outFeatures: number,
): Oracle {
  const product = timesTransposed(x, weight, rows, outFeatures, inFeatures);
  const sizes = timesTransposed(x.map(Math.abs), weight.map(Math.abs), rows, outFeatures, inFeatures);
  return {
    values: product.map((value, index) => value + (bias?.[index % outFeatures] ?? 0)),
    terms: sizes.map((size, index) => size + Math.abs(bias?.[index % outFeatures] ?? 0)),
    count: inFeatures,
  };
}

export function rmsNormOracle(x: Float32Array, weight: Float32Array, eps: number): Oracle {
  return exact(
    byRows(x, weight.length, (row) => {
      const rms = Math.hypot(Math.hypot(...row) / Math.sqrt(row.length), Math.sqrt(eps));
      return row.map((value, i) => (value / rms) * weight[i]);
    }),
  );
}

export function layerNormOracle(x: Float32Array, weight: Float32Array, bias: Float32Array, eps: number): Oracle {
  const values = byRows(x, weight.length, (row) => {
    const { centred, deviation } = moments(row, eps);
    return row.map((_, i) => (centred[i] / deviation) * weight[i] + bias[i]);
  });
  const terms = byRows(x, weight.length, (row) => {
    const { centred, deviation } = moments(row, eps);
    const size = row.reduce((sum, value) => sum + Math.abs(value), 0) / row.length;
    // The mean is right to some ulps of `size`, and so is the deviation.
    return row.map((value, i) => {
      const normed = Math.abs(centred[i]) / deviation;
      return (
        Math.abs(weight[i]) * ((Math.abs(value) + size) / deviation + normed * (1 + size / deviation)) +
        Math.abs(bias[i])
      );
    });
  });
  return { values, terms };
}

function moments(row: number[], eps: number): { centred: number[]; deviation: number } {
  const mean = row.reduce((sum, value) => sum + value / row.length, 0);
  const centred = row.map((value) => value - mean);
  return { centred, deviation: Math.hypot(Math.hypot(...centred) / Math.sqrt(row.length), Math.sqrt(eps)) };
}

/** Each head times its position's D × D rotation matrix. */
export function ropeOracle(x: Float32Array, cos: Float32Array, sin: Float32Array, spec: RopeSpec): Oracle {
  const { heads, headDim, seqLen, start } = spec;
  const half = headDim / 2;
  const values: number[] = [];
  const terms: number[] = [];
  for (let row = 0; row < x.length / (heads * headDim); row++) {
    const position = start + (row % seqLen);
    const rotation = new Float64Array(headDim * headDim);
    for (let i = 0; i < half; i++) {
      const [c, s] = [cos[position * half + i], sin[position * half + i]];
      rotation[i * headDim + i] = c;
      rotation[i * headDim + half + i] = -s;
      rotation[(half + i) * headDim + half + i] = c;
      rotation[(half + i) * headDim + i] = s;
    }
    const part = x.subarray(row * heads * headDim, (row + 1) * heads * headDim);
    values.push(...timesTransposed(part, rotation, heads, headDim, headDim));
    terms.push(...timesTransposed(part.map(Math.abs), rotation.map(Math.abs), heads, headDim, headDim));
  }
  return { values: Float64Array.from(values), terms: Float64Array.from(terms) };
}

export function attentionOracle(q: Float32Array, k: Float32Array, v: Float32Array, spec: AttentionSpec): Oracle {
  const { numHeads, numKvHeads, headDim, seqLen, keyLen } = spec;
  const out = { values: new Float64Array(q.length), terms: new Float64Array(q.length) };
  const [queryWidth, keyWidth] = [numHeads * headDim, numKvHeads * headDim];
  for (let sequence = 0; sequence < q.length / (seqLen * queryWidth); sequence++) {
    for (let head = 0; head < numHeads; head++) {
      const keyHead = Math.floor((head * numKvHeads) / numHeads);
      const headOf = (x: Float32Array, rows: number, width: number, at: number): Float64Array => {
        const flat = x.subarray(sequence * rows * width, (sequence + 1) * rows * width);
        return Float64Array.from(flat.filter((_, index) => Math.floor((index % width) / headDim) === at));
      };
      const queries = headOf(q, seqLen, queryWidth, head);
      const keys = headOf(k, keyLen, keyWidth, keyHead);
      const values = transpose(headOf(v, keyLen, keyWidth, keyHead), keyLen, headDim);
      const scores = timesTransposed(queries, keys, seqLen, keyLen, headDim);
      const scoreSizes = timesTransposed(queries.map(Math.abs), keys.map(Math.abs), seqLen, keyLen, headDim);
      const weights = maskedSoftmax(scores, spec);
      const mixed = timesTransposed(weights, values, seqLen, headDim, keyLen);
      const mixedSizes = timesTransposed(weights, values.map(Math.abs), seqLen, headDim, keyLen);
      for (let t = 0; t < seqLen; t++) {
        // A score that is off by δ changes its weight by the factor e^δ.
        const scoreSize = Math.max(...scoreSizes.subarray(t * keyLen, (t + 1) * keyLen)) / Math.sqrt(headDim);
        for (let i = 0; i < headDim; i++) {
          const to = (sequence * seqLen + t) * queryWidth + head * headDim + i;
          out.values[to] = mixed[t * headDim + i];
          out.terms[to] = mixedSizes[t * headDim + i] * (1 + scoreSize);
        }
      }
    }
  }
  return out;
}

/** Row-wise softmax of scores / √D with everything outside causality and window at −∞. */
function maskedSoftmax(scores: Float64Array, spec: AttentionSpec): Float64Array {
  const { headDim, seqLen, keyLen, window } = spec;
  return byRows(scores, keyLen, (row, t) => {
    const position = keyLen - seqLen + t;
    const seen = (key: number): boolean => key <= position && position - key < (window ?? Infinity);
    const masked = row.map((score, key) => (seen(key) ? score / Math.sqrt(headDim) : -Infinity));
    const lse = logSumExpOracle(masked);
    return masked.map((score) => Math.exp(score - lse));
  });
}

export function logSumExpOracle(row: readonly number[]): number {
  const max = row.reduce((a, b) => Math.max(a, b));
  return max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

export function swigluOracle(gate: Float32Array, up: Float32Array): Oracle {
  return exact(Float64Array.from(gate, (x, index) => x * sigmoid(x) * up[index]));
}

/** e^x / (1 + e^x) below zero, so that nothing overflows. */
function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

export function geluOracle(x: Float32Array, kind: GeluKind): Oracle {
  return {
    values: Float64Array.from(x, kind === 'tanh' ? geluTanhOracle : (z) => (z / 2) * erfcOracle(-z / Math.SQRT2)),
    // x/2 · (1 + erf) and x/2 · (1 + tanh) are sums that nearly vanish below zero.
    terms: Float64Array.from(x, Math.abs),
  };
}

function geluTanhOracle(x: number): number {
  const u = Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x);
  // 1 + tanh u = 2 e^(2u) / (1 + e^(2u))
  return u < 0 ? (x * Math.exp(2 * u)) / (1 + Math.exp(2 * u)) : 0.5 * x * (1 + Math.tanh(u));
}

/**
 * erfc by the trapezoidal rule with its pole's residue (Chiarella & Reichl 1968); by the Taylor
 * series near zero.
 */
export function erfcOracle(x: number): number {
  if (x < 0) return 2 - erfcOracle(-x);
  if (x < 0.75) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 40; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  const step = 0.5;
  let sum = 1 / (2 * x * x);
  for (let n = 1; n < 14; n++) sum += Math.exp(-((n * step) ** 2)) / ((n * step) ** 2 + x * x);
  const residue = x < Math.PI / step ? 2 / Math.expm1((2 * Math.PI * x) / step) : 0;
  return ((2 * step * x) / Math.PI) * Math.exp(-x * x) * sum - residue;
}

/** An oracle whose terms do not cancel. */
export function exact(values: Float64Array): Oracle {
  return { values, terms: values.map(Math.abs) };
}

function byRows(x: Floats, cols: number, f: (row: number[], index: number) => number[]): Float64Array {
  const out = new Float64Array(x.length);
  for (let row = 0; row < x.length / cols; row++) {
    out.set(f([...x.subarray(row * cols, (row + 1) * cols)], row), row * cols);
  }
  return out;
}

function transpose(x: Float64Array, rows: number, cols: number): Float64Array {
  return x.map((_, index) => x[(index % rows) * cols + Math.floor(index / rows)]);
}
