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
import { ReferenceScope, sameShape, vector } from './referenceScope.ts';
import { check, checkSize, own, ReferenceLinear, shapeOf, type ReferenceTensor } from './referenceTensor.ts';

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
    this.checkOpen('pack');
    checkSize('pack', outFeatures, inFeatures, weight.length);
    if (bias !== null) checkSize('pack', 1, transposed ? inFeatures : outFeatures, bias.length);
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
    const source = own('gatherRows', table);
    checkIds('gatherRows', ids, source.rows);
    const out = this.make('gatherRows', ids.length, source.cols);
    gatherRows(out.data, source.data, ids, source.cols);
    return out;
  }

  scatterRows(dy: DeviceTensor, ids: Int32Array, rows: number): DeviceTensor {
    const slope = own('scatterRows', dy);
    checkIds('scatterRows', ids, rows);
    check('scatterRows', slope.rows === ids.length, `dy ${shapeOf(dy)} and ${ids.length} ids do not fit`);
    const out = this.make('scatterRows', rows, slope.cols);
    gatherRowsBackward(out.data, slope.data, ids, slope.cols);
    return out;
  }

  linearBackwardWeight(dy: DeviceTensor, x: DeviceTensor): DeviceTensor {
    const [slope, source] = [own('linearBackwardWeight', dy), own('linearBackwardWeight', x)];
    check('linearBackwardWeight', dy.rows === x.rows, `dy ${shapeOf(dy)} and x ${shapeOf(x)} do not fit`);
    const out = this.make('linearBackwardWeight', dy.cols, x.cols);
    linearBackwardWeight(out.data, slope.data, source.data, dy.rows, x.cols, dy.cols);
    return out;
  }

  columnSums(dy: DeviceTensor): DeviceTensor {
    const slope = own('columnSums', dy);
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
    const [slope, source] = sameShape('rmsNormBackward', dy, x);
    const gain = vector('rmsNormBackward', 'weight', weight, source);
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
    const [slope, source] = sameShape('layerNormBackward', dy, x);
    const gain = vector('layerNormBackward', 'weight', weight, source).data;
    const dx = this.make('layerNormBackward', x.rows, x.cols);
    const dWeight = this.make('layerNormBackward', 1, x.cols);
    const dBias = this.make('layerNormBackward', 1, x.cols);
    layerNormBackward(dx.data, dWeight.data, dBias.data, slope.data, source.data, gain, eps, x.rows, x.cols);
    return { dx, dWeight, dBias };
  }

  ropeBackward(dy: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    const { source, cos, sin } = this.ropeInputs('ropeBackward', dy, table, spec);
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
    const { queries, keys, values, sequences } = this.attentionInputs('attentionBackward', q, k, v, spec);
    const [slope] = sameShape('attentionBackward', dy, q);
    const whole = spec.keyLen === spec.seqLen;
    check('attentionBackward', whole, `keyLen ${spec.keyLen} is not seqLen ${spec.seqLen}`);
    const dq = this.make('attentionBackward', q.rows, q.cols);
    const [dk, dv] = [k, v].map((x): ReferenceTensor => this.make('attentionBackward', x.rows, x.cols));
    const inputs = [slope.data, queries.data, keys.data, values.data] as const;
    causalAttentionBackward(dq.data, dk.data, dv.data, ...inputs, sequences, spec);
    return { dq, dk, dv };
  }

  swigluBackward(dy: DeviceTensor, gate: DeviceTensor, up: DeviceTensor): { dGate: DeviceTensor; dUp: DeviceTensor } {
    const [slope, first] = sameShape('swigluBackward', dy, gate);
    const [, second] = sameShape('swigluBackward', dy, up);
    const dGate = this.make('swigluBackward', dy.rows, dy.cols);
    const dUp = this.make('swigluBackward', dy.rows, dy.cols);
    swigluBackward(dGate.data, dUp.data, slope.data, first.data, second.data, dGate.data.length);
    return { dGate, dUp };
  }

  geluBackward(dy: DeviceTensor, x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const [slope, source] = sameShape('geluBackward', dy, x);
    const out = this.make('geluBackward', x.rows, x.cols);
    geluBackward(out.data, slope.data, source.data, kind, out.data.length);
    return out;
  }

  placeColumns(dy: DeviceTensor, from: number, cols: number): DeviceTensor {
    const slope = own('placeColumns', dy);
    const fits = Number.isInteger(from) && from >= 0 && from + dy.cols <= cols;
    check('placeColumns', fits, `${shapeOf(dy)} does not fit into ${cols} columns from ${from} on`);
    const out = this.make('placeColumns', dy.rows, cols);
    columnsBackward(out.data, slope.data, from, dy.cols, dy.rows, cols);
    return out;
  }

  scale(x: DeviceTensor, factor: number): DeviceTensor {
    const source = own('scale', x);
    const out = this.make('scale', x.rows, x.cols);
    scale(out.data, source.data, factor, out.data.length);
    return out;
  }

  crossEntropy(
    logits: DeviceTensor,
    targets: Int32Array,
    weight: number,
  ): { nll: DeviceTensor; dLogits: DeviceTensor } {
    const source = own('crossEntropy', logits);
    const { rows, cols } = source;
    check(
      'crossEntropy',
      targets.length === rows,
      `logits ${shapeOf(logits)} and ${targets.length} targets do not fit`,
    );
    checkIds('crossEntropy', targets, cols, -1);
    const [nll, dLogits] = [this.make('crossEntropy', rows, 1), this.make('crossEntropy', rows, cols)];
    crossEntropy(nll.data, dLogits.data, source.data, targets, weight, rows, cols);
    return { nll, dLogits };
  }
}

function checkIds(op: string, ids: Int32Array, rows: number, least = 0): void {
  const wrong = ids.find((id) => id < least || id >= rows);
  check(op, wrong === undefined && ids.length > 0, `id ${wrong ?? '(none)'} is not among ${rows}`);
}
