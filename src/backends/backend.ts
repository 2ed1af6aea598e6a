/**
 * The contract every backend fulfils: the op list of src/ops on opaque device arrays, and explicit
 * memory.
 *
 * Shapes follow the engine's letters: R rows (= sequences · positions), C hiddenSize, H query
 * heads, K key/value heads, D headDim, F intermediateSize, V vocabulary. All arrays are f32 and
 * two-dimensional, row-major.
 *
 * Rules, all of them checked by the contract suite in spec/contract:
 * - Ops are functional: they return a new handle and never change an input. The one exception is
 *   `writeRows`.
 * - Ops return synchronously (a handle may wrap pending work); only `download` and `finishNll` are
 *   awaited.
 * - A row's result depends on that row's sequence alone. It is bit-equal however many rows are
 *   stacked above or below it and however many threads run: stacked candidates must score as they
 *   would alone.
 * - A backend that lacks something throws UnsupportedBackendError naming op, backend and remedy; it
 *   never runs the op elsewhere in silence.
 */

import type { AttentionSpec } from '../ops/causalAttention.ts';
import type { GeluKind } from '../ops/gelu.ts';
import type { NllSum } from '../ops/nll.ts';
import type { RopeSpec } from '../ops/rope.ts';

export type { AttentionSpec, GeluKind, NllSum, RopeSpec };

/** An opaque f32 array [rows, cols] that lives where its backend keeps it. */
export interface DeviceTensor {
  readonly rows: number;
  readonly cols: number;
}

/** A projection packed for the backend: y = x Wᵀ (+ bias), W [outFeatures, inFeatures]. */
export interface LinearWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** Bytes that the packed form occupies, for the memory budget. */
  readonly bytes: number;
}

/**
 * Running log-sum-exp of rows over the vocabulary tiles seen so far. Opaque; made and advanced by
 * `nllTile`.
 */
export interface NllState {
  readonly rows: number;
}

/** cos and sin of every rotation angle: two device arrays [positions, D/2]. */
export interface RopeTable {
  readonly cos: DeviceTensor;
  readonly sin: DeviceTensor;
}

/**
 * What a residual block is composed of. Whoever implements it decides what an op does: a scope
 * computes, a tape (reverse-mode differentiation) also notes how derivatives pass back.
 */
export interface Ops {
  /** x / rms(x) · weight, row by row. weight [1, C]. Also used per head: x seen as [R·heads, D]. */
  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor;
  /** (x − mean) / sqrt(var + eps) · weight + bias, row by row. weight, bias [1, C]. */
  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor;
  /** x Wᵀ + bias: [R, in] → [R, out]. */
  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor;
  /** Rotates the pairs (i, i + D/2) of each head by position. */
  rope(x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor;
  /**
   * softmax(q kᵀ / √D + causal mask) v, grouped-query: q [n·seqLen, H·D], k and v [n·keyLen, K·D] →
   * [n·seqLen, H·D].
   */
  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor;
  /** silu(gate) · up, elementwise. */
  swiglu(gate: DeviceTensor, up: DeviceTensor): DeviceTensor;
  /** GELU: `tanh` is GPT-2's approximation (gelu_new), `erf` the exact one. */
  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor;
  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor;
  /** x's columns from `from` to `to`, copied: splits GPT-2's fused q|k|v. */
  columns(x: DeviceTensor, from: number, to: number): DeviceTensor;
  /**
   * The rows of all parts, one part below the other, copied: several streams as one. At least one
   * part, of equal cols.
   */
  stack(parts: readonly DeviceTensor[]): DeviceTensor;
  /** The same elements as [rows, cols]; shared, not copied. */
  reshape(x: DeviceTensor, rows: number, cols: number): DeviceTensor;
}

/**
 * Sums over activations, for methods that look at them while a model runs. Sums are f64 and round
 * to f32 once, except on a GPU, which has f32 only. There `columnSquares` and `gram` add up runs of
 * 64 rows, then the runs; the error is at most (64 + n/64) · 2⁻²⁴ of Σ |terms| for n rows.
 * `rowCosines` divides each row by its largest number first and adds up in eight strided sums.
 */
export interface Statistics {
  /** Each column's sum of squares, Σ_r x[r, c]²: [R, C] → [1, C]. */
  columnSquares(x: DeviceTensor): DeviceTensor;
  /**
   * xᵀx: [R, C] → [C, C], symmetric to the bit. While it runs it takes up to 3·C² floats of memory,
   * its result among them, plus 512 floats a column.
   */
  gram(x: DeviceTensor): DeviceTensor;
  /**
   * The cosine of the angle between x's row r and y's: two [R, C] → [R, 1], in [−1, 1]. Where rows
   * are all zeros: 1 if both are, 0 if one is. NaN where a number is not finite.
   */
  rowCosines(x: DeviceTensor, y: DeviceTensor): DeviceTensor;
}

/**
 * Ops that compute, and the memory of their results: every handle belongs to the scope and dies
 * with it unless kept.
 */
export interface Scope extends Ops, Statistics {
  /** Copies host data to the device. `data` has rows · cols elements. */
  upload(data: Float32Array, rows: number, cols: number): DeviceTensor;
  /** Rows `from` (inclusive) to `to` (exclusive) of x, shared, not copied. Valid while x is. */
  view(x: DeviceTensor, from: number, to: number): DeviceTensor;
  /**
   * Hands x out of the scope: it lives until `backend.free(x)`. Returns x. x must own its memory
   * (no view).
   */
  keep(x: DeviceTensor): DeviceTensor;
  /** Frees everything made in this scope and not kept. */
  close(): void;
}

export interface Backend {
  /** As `selectBackend` is asked for it. */
  readonly name: string;
  /** What really runs, for every result: `simd (relaxed-fma, 8 lanes, 2 threads)`. */
  readonly description: string;
  /**
   * What the numbers depend on, for the journal's hash: backend and kernel variant, but not
   * threads.
   */
  readonly variant: string;
  scope(): Scope;
  /** Packs W [outFeatures, inFeatures] and an optional bias [outFeatures]. Lives until freed. */
  packLinear(weight: Float32Array, outFeatures: number, inFeatures: number, bias: Float32Array | null): LinearWeight;
  freeLinear(weight: LinearWeight): void;
  /** An array that lives until freed: norm weights, RoPE tables, residual streams. */
  store(data: Float32Array, rows: number, cols: number): DeviceTensor;
  /** A zeroed array that lives until freed: a KV cache slot. */
  allocate(rows: number, cols: number): DeviceTensor;
  /**
   * Overwrites rows at.. of `target` with `source`: appending to a KV cache slot. The one op that
   * changes an input.
   */
  writeRows(target: DeviceTensor, at: number, source: DeviceTensor): void;
  free(x: DeviceTensor): void;
  /**
   * Folds one vocabulary tile into the rows' running log-sum-exp: logits = x Wᵀ for the ids firstId
   * … firstId + outFeatures − 1, never stored beyond the tile. `state` null starts; the passed
   * state must not be used again. targets[r] is row r's target id; the tile that holds it notes its
   * logit. Target −1 = none (its NLL is NaN). `sum` (default f64) is how the sum over the
   * vocabulary is kept; it must be the same for all tiles of a state.
   */
  nllTile(
    x: DeviceTensor,
    tile: LinearWeight,
    firstId: number,
    targets: Int32Array,
    state: NllState | null,
    sum?: NllSum,
  ): NllState;
  /** The rows' negative log-likelihoods in nats, lse − target logit, [rows]. Ends the state. */
  finishNll(state: NllState): Promise<Float32Array>;
  /** Copies a device array to the host. */
  download(x: DeviceTensor): Promise<Float32Array>;
  /**
   * Bytes of device memory that handles hold now; 0 after everything was freed, and after
   * `dispose`.
   */
  bytesInUse(): number;
  /** Bytes that handles may hold in all; Infinity where only the system limits them. */
  readonly capacityBytes: number;
  /**
   * The size of an op's result up to which a caller gains by stacking the rows of several inputs:
   * below it, ops are too short for the backend's threads or cores. 0 where a stack is only a copy.
   * Stacking changes no bit, only the time taken.
   */
  readonly stackBytes: number;
  /** Bytes that a row's log-sum-exp state holds, from `nllTile` to `finishNll`. */
  readonly nllRowBytes: number;
  /**
   * Bytes of `capacityBytes` that an op may take for itself while it runs, beside its operands and
   * its result: the most of attention over `keyLen` keys in heads of `headDim`, and of `nllTile`.
   */
  scratchBytes(keyLen: number, headDim: number): number;
  /**
   * How far a perplexity may lie from the exact one, relative. Two models closer than twice this
   * could change places on another machine or kernel. Measured by spec/prune/noise.spec.ts.
   */
  readonly perplexityNoise: number;
  /**
   * Ends threads and drops memory, at any time and as often as it is called. From the call on every
   * use throws DisposedError, and so does what is under way: pending downloads, and a search or a
   * perplexity at its next op. Only freeing goes on to be allowed (`close`, `free`, `freeLinear`),
   * so that who cleans up needs no order. Resolves when the threads have ended.
   */
  dispose(): Promise<void>;
}
