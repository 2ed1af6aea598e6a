import { causalAttentionBackward } from '../../ops/causalAttentionBackward.ts';
import { columnsBackward } from '../../ops/columnsBackward.ts';
import { crossEntropy } from '../../ops/crossEntropy.ts';
import type { Floats } from '../../ops/floats.ts';
import { gatherRows } from '../../ops/gatherRows.ts';
import { gatherRowsBackward } from '../../ops/gatherRowsBackward.ts';
import type { GeluKind } from '../../ops/gelu.ts';
import { geluBackward } from '../../ops/geluBackward.ts';
import { layerNormBackward } from '../../ops/layerNormBackward.ts';
import { columnSums, linearBackwardWeight } from '../../ops/linearBackward.ts';
import { rmsNormBackward } from '../../ops/rmsNormBackward.ts';
import { ropeBackward } from '../../ops/ropeBackward.ts';
import { scale } from '../../ops/scale.ts';
import { swigluBackward } from '../../ops/swigluBackward.ts';
import { transpose } from '../../ops/transpose.ts';
import type { AttentionSpec, DeviceTensor, LinearWeight, RopeSpec, RopeTable } from '../backend.ts';
import type { GradientScope } from '../gradients.ts';
import { shapeOf } from '../handles.ts';
import { ReferenceScope } from './referenceScope.ts';
import { ReferenceLinear, rules, type ReferenceTensor } from './referenceTensor.ts';

/** The ops of one scope and their backwards. */
export class ReferenceGradientScope extends ReferenceScope implements GradientScope {
  readonly #packed: ReferenceLinear[] = [];

  pack(
    weight: Floats,
    outFeatures: number,
    inFeatures: number,
    bias: Floats | null,
    transposed: boolean,
  ): LinearWeight {
    this.expectOpen('pack');
    const shape = [outFeatures, inFeatures] as const;
    rules.projection('pack', weight, shape, bias, transposed ? inFeatures : outFeatures);
    const data = weight.slice();
    if (transposed) transpose(data, weight, outFeatures, inFeatures);
    const packed = transposed
      ? new ReferenceLinear(inFeatures, outFeatures, data, bias?.slice() ?? null)
      : new ReferenceLinear(outFeatures, inFeatures, data, bias?.slice() ?? null);
    this.memory.bytes += packed.bytes;
    this.#packed.push(packed);
    return packed;
  }

  override close(): void {
    super.close();
    for (const weight of this.#packed) {
      weight.freed = true;
      this.memory.bytes -= weight.bytes;
    }
  }

  gatherRows(table: DeviceTensor, ids: Int32Array): DeviceTensor {
    const source = rules.own('gatherRows', table);
    rules.ids('gatherRows', ids, source.rows);
    const out = this.make('gatherRows', ids.length, source.cols);
    gatherRows(out.data, source.data, ids, source.cols);
    return out;
  }

  scatterRows(dy: DeviceTensor, ids: Int32Array, rows: number): DeviceTensor {
    const slope = rules.own('scatterRows', dy);
    rules.ids('scatterRows', ids, rows);
    rules.check('scatterRows', slope.rows === ids.length, () => `dy ${shapeOf(dy)} and ${ids.length} ids do not fit`);
    const out = this.make('scatterRows', rows, slope.cols);
    gatherRowsBackward(out.data, slope.data, ids, slope.cols);
    return out;
  }

  linearBackwardWeight(dy: DeviceTensor, x: DeviceTensor): DeviceTensor {
    const [slope, source] = [rules.own('linearBackwardWeight', dy), rules.own('linearBackwardWeight', x)];
    rules.check('linearBackwardWeight', dy.rows === x.rows, () => `dy ${shapeOf(dy)} and x ${shapeOf(x)} do not fit`);
    const out = this.make('linearBackwardWeight', dy.cols, x.cols);
    linearBackwardWeight(out.data, slope.data, source.data, dy.rows, x.cols, dy.cols);
    return out;
  }

  columnSums(dy: DeviceTensor): DeviceTensor {
    const slope = rules.own('columnSums', dy);
    const out = this.make('columnSums', 1, dy.cols);
    columnSums(out.data, slope.data, dy.rows, dy.cols);
    return out;
  }

  rmsNormBackward(
    dy: DeviceTensor,
    x: DeviceTensor,
    weight: DeviceTensor,
    eps: number,
  ): { dx: DeviceTensor; dWeight: DeviceTensor } {
    const [slope, source] = rules.pair('rmsNormBackward', dy, x);
    const gain = rules.vector('rmsNormBackward', 'weight', weight, source);
    const dx = this.make('rmsNormBackward', x.rows, x.cols);
    const dWeight = this.make('rmsNormBackward', 1, x.cols);
    rmsNormBackward(dx.data, dWeight.data, slope.data, source.data, gain.data, eps, x.rows, x.cols);
    return { dx, dWeight };
  }

  layerNormBackward(
    dy: DeviceTensor,
    x: DeviceTensor,
    weight: DeviceTensor,
    eps: number,
  ): { dx: DeviceTensor; dWeight: DeviceTensor; dBias: DeviceTensor } {
    const [slope, source] = rules.pair('layerNormBackward', dy, x);
    const gain = rules.vector('layerNormBackward', 'weight', weight, source).data;
    const dx = this.make('layerNormBackward', x.rows, x.cols);
    const dWeight = this.make('layerNormBackward', 1, x.cols);
    const dBias = this.make('layerNormBackward', 1, x.cols);
    layerNormBackward(dx.data, dWeight.data, dBias.data, slope.data, source.data, gain, eps, x.rows, x.cols);
    return { dx, dWeight, dBias };
  }

  ropeBackward(dy: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    const { source, cos, sin } = rules.rope('ropeBackward', dy, table, spec);
    const out = this.make('ropeBackward', dy.rows, dy.cols);
    ropeBackward(out.data, source.data, cos.data, sin.data, dy.rows, spec);
    return out;
  }

  attentionBackward(
    dy: DeviceTensor,
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    spec: AttentionSpec,
  ): { dq: DeviceTensor; dk: DeviceTensor; dv: DeviceTensor } {
    const { queries, keys, values, sequences } = rules.attention('attentionBackward', q, k, v, spec);
    const [slope] = rules.pair('attentionBackward', dy, q);
    const whole = spec.keyLen === spec.seqLen;
    rules.check('attentionBackward', whole, () => `keyLen ${spec.keyLen} is not seqLen ${spec.seqLen}`);
    const dq = this.make('attentionBackward', q.rows, q.cols);
    const [dk, dv] = [k, v].map((x): ReferenceTensor => this.make('attentionBackward', x.rows, x.cols));
    const inputs = [slope.data, queries.data, keys.data, values.data] as const;
    causalAttentionBackward(dq.data, dk.data, dv.data, ...inputs, sequences, spec);
    return { dq, dk, dv };
  }

  swigluBackward(dy: DeviceTensor, gate: DeviceTensor, up: DeviceTensor): { dGate: DeviceTensor; dUp: DeviceTensor } {
    const [slope, first] = rules.pair('swigluBackward', dy, gate);
    const [, second] = rules.pair('swigluBackward', dy, up);
    const dGate = this.make('swigluBackward', dy.rows, dy.cols);
    const dUp = this.make('swigluBackward', dy.rows, dy.cols);
    swigluBackward(dGate.data, dUp.data, slope.data, first.data, second.data, dGate.data.length);
    return { dGate, dUp };
  }

  geluBackward(dy: DeviceTensor, x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const [slope, source] = rules.pair('geluBackward', dy, x);
    const out = this.make('geluBackward', x.rows, x.cols);
    geluBackward(out.data, slope.data, source.data, kind, out.data.length);
    return out;
  }

  placeColumns(dy: DeviceTensor, from: number, cols: number): DeviceTensor {
    const slope = rules.own('placeColumns', dy);
    rules.place('placeColumns', slope, from, cols);
    const out = this.make('placeColumns', dy.rows, cols);
    columnsBackward(out.data, slope.data, from, dy.cols, dy.rows, cols);
    return out;
  }

  scale(x: DeviceTensor, factor: number): DeviceTensor {
    const source = rules.own('scale', x);
    const out = this.make('scale', x.rows, x.cols);
    scale(out.data, source.data, factor, out.data.length);
    return out;
  }

  crossEntropy(
    logits: DeviceTensor,
    targets: Int32Array,
    weight: number,
  ): { nll: DeviceTensor; dLogits: DeviceTensor } {
    const source = rules.own('crossEntropy', logits);
    const { rows, cols } = source;
    rules.check(
      'crossEntropy',
      targets.length === rows,
      () => `logits ${shapeOf(logits)} and ${targets.length} targets do not fit`,
    );
    rules.ids('crossEntropy', targets, cols, -1);
    const [nll, dLogits] = [this.make('crossEntropy', rows, 1), this.make('crossEntropy', rows, cols)];
    crossEntropy(nll.data, dLogits.data, source.data, targets, weight, rows, cols);
    return { nll, dLogits };
  }
}
