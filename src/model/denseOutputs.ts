/**
 * How far a model's predictions are from a dense model's, in full: the KL divergence of each row's
 * distribution q from the dense model's p, without keeping either. With logits z = U h + b (U the
 * head [V, C], h a row's final normed state) and LSE the log-sum-exp of the logits,
 *
 *     KL(p‖q) = Σ_v p_v (ln p_v − ln q_v) = (LSE_q − LSE_p) − (h_q − h_p)·ē        ē = Uᵀp
 *
 * and as a loss is NLL = LSE − z_target,
 *
 *     KL(p‖q) = (NLL_q − NLL_p) + (h_q − h_p)·d                                    d = u_target − ē
 *
 * So what perplexity needs anyway gives KL for one dot product more. Of the dense model is kept
 * d, one vector of width C a row, and one number, NLL_p + h_p·d. A constant added to all logits
 * falls out, and so does a bias of the head; the dense model's own KL is 0 to the bit.
 *
 * Numerics: d is f32, sums are f64. The terms of the difference are rounded to about 1e-7 of the
 * logits, so a KL that is truly 0 may come out as far below 0.
 */
import type { Backend, DeviceTensor, LinearWeight } from '../backends/backend.ts';
import type { Floats } from '../ops/floats.ts';
import type { ModelConfig } from './config.ts';
import { turnWhenDue } from './eventLoop.ts';
import { withScope } from './ownership.ts';
import { applyNorm } from './residualBlock.ts';
import { modelTensorNames } from './tensorNames.ts';
import type { WeightPieces } from './weightPieces.ts';

/** What is kept of a dense model's predictions, a row each. */
export interface DenseOutputs {
  /** d = u_target − ē, [R, C]; zeros where a row has no target. */
  readonly directions: Floats;
  /** NLL + h·d, [R]; NaN where a row has no target. */
  readonly levels: Float64Array;
}

/** Rows that pass the head at once, and vocabulary rows that they pass. */
const ROWS = 256;
const PART = 1024;

/** Bytes that `denseOutputs` keeps of each row. */
export function keptRowBytes(hiddenSize: number): number {
  return 4 * hiddenSize + 8;
}

/** Bytes of the backend that `denseOutputs` takes while it runs, beside the stream. */
export function denseOutputBytes({ hiddenSize, vocabSize }: Pick<ModelConfig, 'hiddenSize' | 'vocabSize'>): number {
  const part = Math.min(PART, vocabSize);
  return 4 * (2 * part * hiddenSize + 2 * ROWS * (hiddenSize + part));
}

/**
 * @param x the dense model's stream after its last block, [R, C]; it stays the caller's.
 * @param nll each row's NLL as the head gives it, [R].
 * @param targets [R], −1 = none.
 */
export async function denseOutputs(
  pieces: WeightPieces,
  x: DeviceTensor,
  nll: Float32Array,
  targets: Int32Array,
): Promise<DenseOutputs> {
  const { hiddenSize: cols, vocabSize } = pieces.config;
  const h = await finalStates(pieces, x);
  const means = new SoftmaxMeans(x.rows, cols);
  const directions = new Float32Array(h.length);
  for (let first = 0; first < vocabSize; first += PART) {
    const count = Math.min(PART, vocabSize - first);
    const weights = await pieces.source.rows(modelTensorNames(pieces.config).head, first, first + count);
    await addPart(pieces.backend, h, weights, means);
    for (const [row, target] of targets.entries()) {
      const at = (target - first) * cols;
      if (target >= first && target < first + count) directions.set(weights.subarray(at, at + cols), row * cols);
    }
  }
  const levels = new Float64Array(x.rows).fill(NaN);
  for (const [row, target] of targets.entries()) {
    if (target < 0) continue;
    means.subtractFrom(directions, row);
    levels[row] = nll[row] + dot(h, directions, row * cols, row * cols, cols);
  }
  return { directions, levels };
}

/** Takes some rows of the head into the means of all states h [R, C]. */
async function addPart(backend: Backend, h: Float32Array, weights: Float32Array, means: SoftmaxMeans): Promise<void> {
  const { rows, cols } = means;
  const count = weights.length / cols;
  const head = backend.packLinear(weights, count, cols, null);
  try {
    const mixing = backend.packLinear(transposed(weights, count, cols), cols, count, null);
    try {
      for (let from = 0; from < rows; from += ROWS) {
        await turnWhenDue();
        const some = Math.min(ROWS, rows - from);
        const states = h.subarray(from * cols, (from + some) * cols);
        const shares = means.weigh(from, await product(backend, states, some, head), count);
        means.add(from, await product(backend, shares, some, mixing));
      }
    } finally {
      backend.freeLinear(mixing);
    }
  } finally {
    backend.freeLinear(head);
  }
}

/** x Wᵀ, from the host and back. */
function product(backend: Backend, x: Float32Array, rows: number, weight: LinearWeight): Promise<Float32Array> {
  return withScope(backend, (scope) => {
    return backend.download(scope.linear(scope.upload(x, rows, weight.inFeatures), weight));
  });
}

/**
 * Σ_v p_v u_v of each row, p being the softmax of its logits, which come some at a time: sums of
 * e^(z − m) u and of e^(z − m) with m the highest logit so far, as in ops/nll.ts.
 */
class SoftmaxMeans {
  readonly rows: number;
  readonly cols: number;
  readonly #max: Float64Array;
  readonly #weight: Float64Array;
  readonly #sums: Float64Array;

  constructor(rows: number, cols: number) {
    this.rows = rows;
    this.cols = cols;
    this.#max = new Float64Array(rows).fill(-Infinity);
    this.#weight = new Float64Array(rows);
    this.#sums = new Float64Array(rows * cols);
  }

  /**
   * The weight e^(z − m) of each logit, [n, count]: of rows from `from` on.
   * @param logits [n, count].
   */
  weigh(from: number, logits: Float32Array, count: number): Float32Array {
    const weights = new Float32Array(logits.length);
    for (let at = 0; at < logits.length; at += count) {
      const row = from + at / count;
      let max = this.#max[row];
      for (let col = at; col < at + count; col++) max = Math.max(max, logits[col]);
      // No logit yet but −∞, of ids that cannot come.
      if (max === -Infinity) continue;
      this.#rescale(row, Math.exp(this.#max[row] - max));
      this.#max[row] = max;
      for (let col = at; col < at + count; col++) {
        // Rounded before it is added, so that the sum is that of what is multiplied.
        weights[col] = Math.exp(logits[col] - max);
        this.#weight[row] += weights[col];
      }
    }
    return weights;
  }

  /** @param sums [n, C]: the weighted rows of the head, of rows from `from` on. */
  add(from: number, sums: Float32Array): void {
    const at = from * this.cols;
    for (const [index, sum] of sums.entries()) this.#sums[at + index] += sum;
  }

  /** u − ē, in the place of u. */
  subtractFrom(u: Float32Array, row: number): void {
    const { cols } = this;
    for (let at = row * cols; at < (row + 1) * cols; at++) u[at] -= this.#sums[at] / this.#weight[row];
  }

  #rescale(row: number, factor: number): void {
    if (factor === 1) return;
    this.#weight[row] *= factor;
    for (let at = row * this.cols; at < (row + 1) * this.cols; at++) this.#sums[at] *= factor;
  }
}

function transposed(x: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) out[col * rows + row] = x[row * cols + col];
  }
  return out;
}

/**
 * h·d of each row.
 * @param h final normed states of one or several streams of R rows, [m·R, C].
 */
export function projected({ directions, levels }: DenseOutputs, h: Floats): Float64Array {
  const cols = directions.length / levels.length;
  const rows = h.length / cols;
  return Float64Array.from({ length: rows }, (_, row) => {
    return dot(h, directions, row * cols, (row % levels.length) * cols, cols);
  });
}

/**
 * Each row's KL divergence from the dense model in nats, [m·R]; NaN where it has no target.
 * @param projections h·d, [m·R].
 */
export function divergences<F extends Floats>({ levels }: DenseOutputs, nll: F, projections: Float64Array): F {
  return nll.map((own, row) => own + projections[row] - levels[row % levels.length]) as F;
}

/** A stream's rows as the head takes them, on the host. */
function finalStates({ backend, config, finalNorm }: WeightPieces, x: DeviceTensor): Promise<Float32Array> {
  return withScope(backend, (scope) => backend.download(applyNorm(scope, config, finalNorm, x)));
}

/** Σ x y of two rows, in f64. */
function dot(x: Floats, y: Floats, xFrom: number, yFrom: number, length: number): number {
  let sum = 0;
  for (let at = 0; at < length; at++) sum += x[xFrom + at] * y[yFrom + at];
  return sum;
}
