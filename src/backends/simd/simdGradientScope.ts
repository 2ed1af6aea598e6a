import type { AttentionSpec, DeviceTensor, GeluKind, LinearWeight, RopeSpec, RopeTable } from '../backend.ts';
import type { Floats, GradientScope } from '../gradients.ts';
import type { Allocation } from './arena.ts';
import type { KernelName } from './kernels.ts';
import { SimdScope } from './simdScope.ts';
import { rules, type SimdLinear, type SimdTensor } from './simdTensor.ts';
import { shapeOf } from '../handles.ts';

/**
 * Rows whose sums are taken together before those sums are added up; CUT_ROWS of assembly/sums.ts.
 */
const CUT_ROWS = 64;
/**
 * Rows of a cut of linearBackwardWeight, and columns of dy it transposes at a time
 * (assembly/linearBackward.ts).
 */
const K_GROUP = 256;
const COLUMN_GROUP = 24;

/** A SIMD scope whose ops have their backwards. */
export class SimdGradientScope extends SimdScope implements GradientScope {
  /** Packed weights made here. */
  readonly #packed: SimdLinear[] = [];

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
    const packed = this.device.pack(weight, shape, bias, 'short', transposed);
    this.#packed.push(packed);
    return packed;
  }

  override close(): void {
    super.close();
    for (const packed of this.#packed) this.device.releaseLinear(packed);
    this.#packed.length = 0;
  }

  gatherRows(table: DeviceTensor, ids: Int32Array): DeviceTensor {
    const source = rules.own('gatherRows', table);
    rules.ids('gatherRows', ids, source.rows);
    const out = this.make('gatherRows', ids.length, source.cols);
    this.#withIds(ids, (at) => {
      this.device.runRows('gatherRows', [out.offset, source.offset, at, source.cols], ids.length, source.cols);
    });
    return out;
  }

  scatterRows(dy: DeviceTensor, ids: Int32Array, rows: number): DeviceTensor {
    const slope = rules.own('scatterRows', dy);
    rules.check(
      'scatterRows',
      slope.rows === ids.length,
      () => `dy ${shapeOf(slope)} and ${ids.length} ids do not fit`,
    );
    rules.ids('scatterRows', ids, rows);
    const out = this.make('scatterRows', rows, slope.cols);
    this.#withIds(ids, (at) => {
      const args = [out.offset, slope.offset, at, ids.length, slope.cols];
      this.device.runRows('scatterRows', args, rows, (ids.length * slope.cols) / rows);
    });
    return out;
  }

  linearBackwardWeight(dy: DeviceTensor, x: DeviceTensor): DeviceTensor {
    const [slope, source] = [rules.own('linearBackwardWeight', dy), rules.own('linearBackwardWeight', x)];
    const fits = slope.rows === source.rows;
    rules.check('linearBackwardWeight', fits, () => `dy ${shapeOf(slope)} and x ${shapeOf(source)} do not fit`);
    const { rows, cols: inFeatures } = source;
    const { cols: outFeatures } = slope;
    const out = this.make('linearBackwardWeight', outFeatures, inFeatures);
    const panels = this.device.arena.allocate(roundUp(rows, K_GROUP) * roundUp(inFeatures, 8) * 4, 'short');
    this.device.runRows('packCuts', [panels.offset, source.offset, inFeatures], rows, inFeatures, 16);
    const scratch = 3;
    const args = [out.offset, slope.offset, panels.offset, 0, rows, outFeatures, inFeatures];
    this.device.run('linearBackwardWeight', args, {
      units: outFeatures,
      align: 6,
      costPerUnit: rows * inFeatures,
      scratchArgument: scratch,
      scratchFloats: COLUMN_GROUP * K_GROUP,
    });
    this.device.arena.release(panels);
    return out;
  }

  columnSums(dy: DeviceTensor): DeviceTensor {
    const slope = rules.own('columnSums', dy);
    const out = this.make('columnSums', 1, slope.cols);
    const cuts = this.#allocateCuts(slope);
    this.#runCuts('columnSums', [cuts.offset, slope.offset, slope.cols, slope.rows], slope);
    this.#addCuts(out, cuts, slope.rows);
    return out;
  }

  rmsNormBackward(
    dy: DeviceTensor,
    x: DeviceTensor,
    weight: DeviceTensor,
    eps: number,
  ): { dx: DeviceTensor; dWeight: DeviceTensor } {
    const [slope, source, gain] = this.#normInputs('rmsNormBackward', dy, x, weight);
    const { rows, cols } = source;
    const [dx, dWeight] = [this.make('rmsNormBackward', rows, cols), this.make('rmsNormBackward', 1, cols)];
    const cuts = this.#allocateCuts(source);
    const inputs = [slope.offset, source.offset, gain.offset];
    this.#runCuts('rmsNormBackward', [dx.offset, cuts.offset, ...inputs, cols, rows, eps], source);
    this.#addCuts(dWeight, cuts, rows);
    return { dx, dWeight };
  }

  layerNormBackward(
    dy: DeviceTensor,
    x: DeviceTensor,
    weight: DeviceTensor,
    eps: number,
  ): { dx: DeviceTensor; dWeight: DeviceTensor; dBias: DeviceTensor } {
    const [slope, source, gain] = this.#normInputs('layerNormBackward', dy, x, weight);
    const { rows, cols } = source;
    const [dx, dWeight, dBias] = [
      this.make('layerNormBackward', rows, cols),
      this.make('layerNormBackward', 1, cols),
      this.make('layerNormBackward', 1, cols),
    ];
    const [weightCuts, biasCuts] = [this.#allocateCuts(source), this.#allocateCuts(source)];
    const outputs = [dx.offset, weightCuts.offset, biasCuts.offset];
    const inputs = [slope.offset, source.offset, gain.offset];
    this.#runCuts('layerNormBackward', [...outputs, ...inputs, cols, rows, eps], source);
    this.#addCuts(dWeight, weightCuts, rows);
    this.#addCuts(dBias, biasCuts, rows);
    return { dx, dWeight, dBias };
  }

  ropeBackward(dy: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    return this.rotate('ropeBackward', dy, table, spec);
  }

  attentionBackward(
    dy: DeviceTensor,
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    spec: AttentionSpec,
  ): { dq: DeviceTensor; dk: DeviceTensor; dv: DeviceTensor } {
    const op = 'attentionBackward';
    const { queries, keys, values, sequences } = rules.attention(op, q, k, v, spec);
    const [slope] = rules.pair(op, dy, q);
    const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
    rules.check(op, keyLen === seqLen, () => `keyLen ${keyLen} is not seqLen ${seqLen}`);
    const dq = this.make('attentionBackward', queries.rows, queries.cols);
    const [dk, dv] = [
      this.make('attentionBackward', keys.rows, keys.cols),
      this.make('attentionBackward', keys.rows, keys.cols),
    ];
    const scratch = 7;
    const args = [dq.offset, dk.offset, dv.offset, slope.offset, queries.offset, keys.offset, values.offset, 0];
    args.push(numHeads, numKvHeads, headDim, seqLen, window ?? 0, 1 / Math.sqrt(headDim));
    this.device.run(op, args, {
      units: sequences * numKvHeads,
      align: 1,
      costPerUnit: (numHeads / numKvHeads) * seqLen * seqLen * headDim * 2,
      scratchArgument: scratch,
      scratchFloats: attentionBackwardScratch(seqLen, headDim),
    });
    return { dq, dk, dv };
  }

  swigluBackward(dy: DeviceTensor, gate: DeviceTensor, up: DeviceTensor): { dGate: DeviceTensor; dUp: DeviceTensor } {
    const op = 'swigluBackward';
    const [slope, first] = rules.pair(op, dy, gate);
    const [, second] = rules.pair(op, dy, up);
    const [dGate, dUp] = [
      this.make('swigluBackward', slope.rows, slope.cols),
      this.make('swigluBackward', slope.rows, slope.cols),
    ];
    const args = [dGate.offset, dUp.offset, slope.offset, first.offset, second.offset];
    this.#runElements(op, args, slope, 12);
    return { dGate, dUp };
  }

  geluBackward(dy: DeviceTensor, x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const [slope, source] = rules.pair('geluBackward', dy, x);
    const out = this.make('geluBackward', slope.rows, slope.cols);
    const kernel = kind === 'tanh' ? 'geluTanhBackward' : 'geluErfBackward';
    this.#runElements(kernel, [out.offset, slope.offset, source.offset], slope, kind === 'tanh' ? 12 : 60);
    return out;
  }

  placeColumns(dy: DeviceTensor, from: number, cols: number): DeviceTensor {
    const slope = rules.own('placeColumns', dy);
    rules.place('placeColumns', slope, from, cols);
    const out = this.make('placeColumns', slope.rows, cols);
    this.device.runRows('placeColumns', [out.offset, slope.offset, from, slope.cols, cols], slope.rows, cols);
    return out;
  }

  scale(x: DeviceTensor, factor: number): DeviceTensor {
    const source = rules.own('scale', x);
    const out = this.make('scale', source.rows, source.cols);
    this.#runElements('scale', [out.offset, source.offset, factor], source, 1);
    return out;
  }

  crossEntropy(
    logits: DeviceTensor,
    targets: Int32Array,
    weight: number,
  ): { nll: DeviceTensor; dLogits: DeviceTensor } {
    const source = rules.own('crossEntropy', logits);
    const { rows, cols } = source;
    const fits = targets.length === rows;
    rules.check('crossEntropy', fits, () => `logits ${shapeOf(source)} and ${targets.length} targets do not fit`);
    rules.ids('crossEntropy', targets, cols, -1);
    const [nll, dLogits] = [this.make('crossEntropy', rows, 1), this.make('crossEntropy', rows, cols)];
    this.#withIds(targets, (at) => {
      const args = [nll.offset, dLogits.offset, source.offset, at, cols, weight];
      this.device.runRows('crossEntropy', args, rows, cols * 8);
    });
    return { nll, dLogits };
  }

  #normInputs(
    op: string,
    dy: DeviceTensor,
    x: DeviceTensor,
    weight: DeviceTensor,
  ): [SimdTensor, SimdTensor, SimdTensor] {
    const [slope, source] = rules.pair(op, dy, x);
    return [slope, source, rules.vector(op, 'weight', weight, source)];
  }

  #runElements(kernel: KernelName, args: readonly number[], { rows, cols }: SimdTensor, costPerUnit: number): void {
    this.device.run(kernel, args, { units: rows * cols, align: 64, costPerUnit });
  }

  /** Room for the sums of each cut's columns. */
  #allocateCuts({ rows, cols }: SimdTensor): Allocation {
    return this.device.arena.allocate(cutsOf(rows) * cols * 4, 'short');
  }

  #runCuts(kernel: KernelName, args: readonly number[], { rows, cols }: SimdTensor): void {
    this.device.run(kernel, args, { units: cutsOf(rows), align: 1, costPerUnit: CUT_ROWS * cols * 4 });
  }

  /** Adds the cuts' sums up into `out` and gives their room back. */
  #addCuts(out: SimdTensor, cuts: Allocation, rows: number): void {
    const args = [out.offset, cuts.offset, out.cols, cutsOf(rows)];
    this.device.run('addCuts', args, { units: out.cols, align: 16, costPerUnit: cutsOf(rows) });
    this.device.arena.release(cuts);
  }

  #withIds(ids: Int32Array, use: (at: number) => void): void {
    const { arena, memory } = this.device;
    const stored = arena.allocate(ids.length * 4, 'short');
    new Int32Array(memory.buffer, stored.offset, ids.length).set(ids);
    use(stored.offset);
    arena.release(stored);
  }
}

function cutsOf(rows: number): number {
  return Math.ceil(rows / CUT_ROWS);
}

function roundUp(length: number, multiple: number): number {
  return Math.ceil(length / multiple) * multiple;
}

/**
 * Floats that assembly/attentionBackward.ts wants for itself: keys packed both ways, values one,
 * panels of a tile's rows; and the tile's weights, their derivatives, and one of the two
 * transposed.
 */
function attentionBackwardScratch(seqLen: number, headDim: number): number {
  const [keys, dim, tile] = [roundUp(seqLen, 8), roundUp(headDim, 8), 48];
  return 2 * keys * headDim + dim * seqLen + dim * tile + 3 * tile * keys;
}
