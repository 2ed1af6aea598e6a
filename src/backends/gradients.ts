/**
 * What training needs of a backend beside inference: the backward of each op. A `GradientScope` is
 * a scope whose ops have twins: given dy, the derivative of a scalar loss with respect to an op's
 * result, they return those with respect to its inputs.
 *
 * The rules of backend.ts hold: functional, synchronous, bit-equal whatever the number of threads.
 * Sums over rows (a weight's gradient) are taken in the order of the rows, cut as the kernels cut
 * them, so that a training run has the same bits each time.
 */
import type { Floats } from '../ops/floats.ts';
import type {
  AttentionSpec,
  Backend,
  DeviceTensor,
  GeluKind,
  LinearWeight,
  RopeSpec,
  RopeTable,
  Scope,
} from './backend.ts';

/** Parameters and host data: f32 where a model is trained, f64 where gradients are checked. */
export type { Floats };

export interface GradientScope extends Scope {
  /** As Scope's, of either precision. */
  upload(data: Floats, rows: number, cols: number): DeviceTensor;
  /**
   * W [outFeatures, inFeatures], packed for x Wᵀ: [R, out] from [R, in]; or, `transposed`, for x W:
   * [R, in] from [R, out], which is the backward of a linear with respect to its input. A bias has
   * a number for each column of the result. It dies with the scope.
   */
  pack(weight: Floats, outFeatures: number, inFeatures: number, bias: Floats | null, transposed: boolean): LinearWeight;
  /** Rows `ids` of a table [V, C], as [ids.length, C]. */
  gatherRows(table: DeviceTensor, ids: Int32Array): DeviceTensor;
  /** The backward of gatherRows: dy [R, C] added up by id, [rows, C]. */
  scatterRows(dy: DeviceTensor, ids: Int32Array, rows: number): DeviceTensor;
  /**
   * dW = dyᵀ x: dy [R, out], x [R, in] → [out, in]. The backward with respect to x is `linear` with
   * a transposed pack.
   */
  linearBackwardWeight(dy: DeviceTensor, x: DeviceTensor): DeviceTensor;
  /** dbias: dy's column sums, [1, out]. */
  columnSums(dy: DeviceTensor): DeviceTensor;
  rmsNormBackward(
    dy: DeviceTensor,
    x: DeviceTensor,
    weight: DeviceTensor,
    eps: number,
  ): { dx: DeviceTensor; dWeight: DeviceTensor };
  layerNormBackward(
    dy: DeviceTensor,
    x: DeviceTensor,
    weight: DeviceTensor,
    eps: number,
  ): { dx: DeviceTensor; dWeight: DeviceTensor; dBias: DeviceTensor };
  /** The rotation the other way. */
  ropeBackward(dy: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor;
  /** Of whole sequences only: spec.keyLen = spec.seqLen. */
  attentionBackward(
    dy: DeviceTensor,
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    spec: AttentionSpec,
  ): { dq: DeviceTensor; dk: DeviceTensor; dv: DeviceTensor };
  swigluBackward(dy: DeviceTensor, gate: DeviceTensor, up: DeviceTensor): { dGate: DeviceTensor; dUp: DeviceTensor };
  geluBackward(dy: DeviceTensor, x: DeviceTensor, kind: GeluKind): DeviceTensor;
  /** The backward of `columns`: dy in columns from … from + dy.cols of zeros, [R, cols]. */
  placeColumns(dy: DeviceTensor, from: number, cols: number): DeviceTensor;
  /** factor · x. */
  scale(x: DeviceTensor, factor: number): DeviceTensor;
  /**
   * Each row's −log softmax(logits)[target], [R, 1], and the derivative of `weight` times the sum
   * of all rows' with respect to the logits: weight · (softmax − one-hot). A row with target −1
   * counts nothing: 0 in both.
   */
  crossEntropy(logits: DeviceTensor, targets: Int32Array, weight: number): { nll: DeviceTensor; dLogits: DeviceTensor };
}

/** A backend that can train. */
export interface GradientBackend extends Backend {
  scope(): GradientScope;
  /**
   * A copy of an array on the host in the precision it has. Absent where that is f32, which
   * `download` gives.
   */
  read?(x: DeviceTensor): Floats;
}
