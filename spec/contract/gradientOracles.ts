/**
 * Second opinions on every backward, in f64 and written another way than src/ops: products by
 * stdlib's dgemm, norms by the matrix of their derivatives, attention pair by pair. `terms` as in
 * oracles.ts.
 */
import type { AttentionSpec, GeluKind, RopeSpec } from '../../src/backends/backend.ts';
import { erfcOracle, exact, logSumExpOracle, timesTransposed, type Oracle } from './oracles.ts';

type Floats = Float32Array | Float64Array;

/** aᵀ b for a [r, m] and b [r, n]. */
export function transposedTimesOracle(a: Floats, b: Floats, r: number, m: number, n: number): Oracle {
  const [left, right] = [transpose(a, r, m), transpose(b, r, n)];
  return {
    values: timesTransposed(left, right, m, n, r),
    terms: timesTransposed(left.map(Math.abs), right.map(Math.abs), m, n, r),
    count: r,
  };
}

/** dx = dy W, W [outFeatures, inFeatures]. */
export function linearBackwardOracle(dy: Floats, w: Floats, rows: number, out: number, inFeatures: number): Oracle {
  return transposedTimesOracle(transpose(dy, rows, out), w, out, rows, inFeatures);
}

export function columnSumsOracle(dy: Floats, cols: number): Oracle {
  return transposedTimesOracle(new Float64Array(dy.length / cols).fill(1), dy, dy.length / cols, 1, cols);
}

/** ∂y_i/∂x_j = w_i (δ_ij / ρ − x_i x_j / (C ρ³)), ρ the root mean square. */
export function rmsNormBackwardOracle(dy: Floats, x: Floats, weight: Floats, eps: number): Oracle[] {
  return normOracle(dy, x, weight, (row) => {
    const rms = Math.hypot(Math.hypot(...row) / Math.sqrt(row.length), Math.sqrt(eps));
    return { normed: row.map((value) => value / rms), deviation: rms, shared: 0 };
  }).slice(0, 2);
}

/** ∂y_i/∂x_j = w_i (δ_ij − 1/C − x̂_i x̂_j / C) / σ. */
export function layerNormBackwardOracle(dy: Floats, x: Floats, weight: Floats, eps: number): Oracle[] {
  return normOracle(dy, x, weight, (row) => {
    const mean = row.reduce((sum, value) => sum + value / row.length, 0);
    const centred = row.map((value) => value - mean);
    const deviation = Math.hypot(Math.hypot(...centred) / Math.sqrt(row.length), Math.sqrt(eps));
    return { normed: centred.map((value) => value / deviation), deviation, shared: 1 };
  });
}

/**
 * dx, dWeight and dBias; the derivative of x̂_i by x_j is (δ_ij − shared/C − x̂_i x̂_j / C) /
 * deviation.
 */
function normOracle(
  dy: Floats,
  x: Floats,
  weight: Floats,
  norm: (row: number[]) => { normed: number[]; deviation: number; shared: number },
): Oracle[] {
  const cols = weight.length;
  const dx = zeros(x.length);
  const normedRows = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += cols) {
    const { normed, deviation, shared } = norm([...x.subarray(at, at + cols)]);
    normedRows.set(normed, at);
    for (let j = 0; j < cols; j++) {
      for (let i = 0; i < cols; i++) {
        const slope = (dy[at + i] * weight[i]) / deviation;
        const [own, mean, along] = [i === j ? 1 : 0, shared / cols, (normed[i] * normed[j]) / cols];
        dx.values[at + j] += slope * (own - mean - along);
        dx.terms[at + j] += Math.abs(slope) * (own + mean + Math.abs(along));
      }
    }
  }
  const products = Float64Array.from(dy, (value, index) => value * normedRows[index]);
  return [dx, columnSumsOracle(products, cols), columnSumsOracle(dy, cols)];
}

/**
 * Each number times its cosine, and its pair's other one times the sine: with the other sign than
 * forward.
 */
export function ropeBackwardOracle(dy: Floats, cos: Floats, sin: Floats, spec: RopeSpec): Oracle {
  const { heads, headDim, seqLen, start } = spec;
  const half = headDim / 2;
  const out = zeros(dy.length);
  for (const index of dy.keys()) {
    const row = Math.floor(index / (heads * headDim));
    const i = index % headDim;
    const angle = (start + (row % seqLen)) * half + (i % half);
    const other = dy[i < half ? index + half : index - half];
    const across = other * (i < half ? sin[angle] : -sin[angle]);
    out.values[index] = dy[index] * cos[angle] + across;
    out.terms[index] = Math.abs(dy[index] * cos[angle]) + Math.abs(across);
  }
  return out;
}

/** dq, dk and dv. */
export function attentionBackwardOracle(dy: Floats, q: Floats, k: Floats, v: Floats, spec: AttentionSpec): Oracle[] {
  const { numHeads, numKvHeads, headDim, seqLen } = spec;
  const [dq, dk, dv] = [zeros(q.length), zeros(k.length), zeros(v.length)];
  const [queryWidth, keyWidth] = [numHeads * headDim, numKvHeads * headDim];
  for (let sequence = 0; sequence < q.length / (seqLen * queryWidth); sequence++) {
    for (let head = 0; head < numHeads; head++) {
      const keyHead = Math.floor((head * numKvHeads) / numHeads);
      const queryAt = (t: number): number => (sequence * seqLen + t) * queryWidth + head * headDim;
      const keyAt = (t: number): number => (sequence * seqLen + t) * keyWidth + keyHead * headDim;
      for (let t = 0; t < seqLen; t++) {
        addQuery({ dy, q, k, v, dq, dk, dv }, queryAt(t), keysSeen(t, spec).map(keyAt), headDim);
      }
    }
  }
  return [dq, dk, dv];
}

function keysSeen(t: number, { window }: AttentionSpec): number[] {
  return [...Array(t + 1).keys()].filter((key) => t - key < (window ?? Infinity));
}

/** One query's shares, by the derivative of softmax: ∂P_i/∂S_j = P_i (δ_ij − P_j). */
function addQuery(
  { dy, q, k, v, dq, dk, dv }: Record<'dy' | 'q' | 'k' | 'v', Floats> & Record<'dq' | 'dk' | 'dv', Oracle>,
  query: number,
  keys: number[],
  headDim: number,
): void {
  const scale = 1 / Math.sqrt(headDim);
  const dotAt = (a: Floats, i: number, b: Floats, j: number): { value: number; size: number } => {
    let [value, size] = [0, 0];
    for (let d = 0; d < headDim; d++) {
      value += a[i + d] * b[j + d];
      size += Math.abs(a[i + d] * b[j + d]);
    }
    return { value, size };
  };
  const scores = keys.map((key) => dotAt(q, query, k, key));
  const lse = logSumExpOracle(scores.map(({ value }) => value * scale));
  const weights = scores.map(({ value }) => Math.exp(value * scale - lse));
  // A score that is off by δ changes its weight by the factor e^δ.
  const doubt = 1 + scale * Math.max(...scores.map(({ size }) => size));
  const dWeights = keys.map((key) => dotAt(dy, query, v, key));
  const mean = weights.reduce((sum, weight, j) => sum + weight * dWeights[j].value, 0);
  const meanSize = weights.reduce((sum, weight, j) => sum + weight * dWeights[j].size, 0);
  for (const [j, key] of keys.entries()) {
    const dScore = scale * weights[j] * (dWeights[j].value - mean);
    const dScoreSize = scale * weights[j] * (dWeights[j].size + meanSize) * doubt;
    for (let d = 0; d < headDim; d++) {
      add(dq, query + d, dScore * k[key + d], dScoreSize * Math.abs(k[key + d]));
      add(dk, key + d, dScore * q[query + d], dScoreSize * Math.abs(q[query + d]));
      add(dv, key + d, weights[j] * dy[query + d], weights[j] * doubt * Math.abs(dy[query + d]));
    }
  }
}

/** dGate and dUp. */
export function swigluBackwardOracle(dy: Floats, gate: Floats, up: Floats): Oracle[] {
  const dGate = zeros(dy.length);
  const dUp = new Float64Array(dy.length);
  for (const [i, x] of gate.entries()) {
    const [s, rest] = [sigmoid(x), sigmoid(-x)];
    dUp[i] = dy[i] * x * s;
    dGate.values[i] = dy[i] * up[i] * (s + x * s * rest);
    dGate.terms[i] = Math.abs(dy[i] * up[i]) * (s + Math.abs(x) * s * rest);
  }
  return [dGate, exact(dUp)];
}

export function geluBackwardOracle(dy: Floats, x: Floats, kind: GeluKind): Oracle {
  const slope = kind === 'tanh' ? geluTanhSlope : geluErfSlope;
  return {
    values: Float64Array.from(x, (z, i) => dy[i] * slope(z)),
    // (1 + erf)/2 and (1 + tanh)/2 nearly vanish below zero.
    terms: Float64Array.from(x, (_, i) => Math.abs(dy[i])),
  };
}

function geluErfSlope(x: number): number {
  return erfcOracle(-x / Math.SQRT2) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/** ½ (1 + tanh u) + ½ x (1 − tanh² u) u′ */
function geluTanhSlope(x: number): number {
  const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
  const slope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
  return sigmoid(2 * u) + 2 * x * slope * sigmoid(2 * u) * sigmoid(-2 * u);
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** dLogits and nll. */
export function crossEntropyOracle(logits: Floats, targets: Int32Array, weight: number, cols: number): Oracle[] {
  const [nll, dLogits] = [zeros(targets.length), zeros(logits.length)];
  for (const [row, target] of targets.entries()) {
    if (target < 0) continue;
    const values = [...logits.subarray(row * cols, (row + 1) * cols)];
    const lse = logSumExpOracle(values);
    const max = Math.max(...values);
    nll.values[row] = lse - values[target];
    nll.terms[row] = 1 + Math.abs(max) + Math.abs(values[target]);
    for (const [i, value] of values.entries()) {
      const share = Math.exp(value - lse);
      const own = i === target ? 1 : 0;
      dLogits.values[row * cols + i] = weight * (share - own);
      dLogits.terms[row * cols + i] = Math.abs(weight) * (share * (1 + max - value) + own);
    }
  }
  return [dLogits, nll];
}

/** [rows, cols]: dy's rows added up by id. */
export function scatterRowsOracle(dy: Floats, ids: Int32Array, rows: number): Oracle {
  const cols = dy.length / ids.length;
  const oneHot = new Float64Array(ids.length * rows);
  for (const [i, id] of ids.entries()) oneHot[i * rows + id] = 1;
  return transposedTimesOracle(oneHot, dy, ids.length, rows, cols);
}

function zeros(length: number): Oracle {
  return { values: new Float64Array(length), terms: new Float64Array(length) };
}

function add(to: Oracle, at: number, value: number, size: number): void {
  to.values[at] += value;
  to.terms[at] += size;
}

function transpose(x: Floats, rows: number, cols: number): Float64Array {
  return Float64Array.from(x, (_, index) => x[(index % rows) * cols + Math.floor(index / rows)]);
}
