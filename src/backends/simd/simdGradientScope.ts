import { ShapeError } from '../../errors.ts';
import type { AttentionSpec, DeviceTensor, GeluKind, LinearWeight, RopeSpec, RopeTable } from '../backend.ts';
import type { Floats, GradientScope } from '../gradients.ts';
import type { Allocation } from './arena.ts';
import type { KernelName } from './kernels.ts';
import { attentionInputs, SimdScope } from './simdScope.ts';
import { expectSize, isRange, own, type SimdLinear, type SimdTensor } from './simdTensor.ts';

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
    this.checkOpen();
    const packed = this.device.pack('pack', weight, outFeatures, inFeatures, bias, 'short', transposed);
    this.#packed.push(packed);
    return packed;
  }

  override close(): void {
    super.close();
    for (const packed of this.#packed) this.device.releaseLinear(packed);
    this.#packed.length = 0;
  }

  gatherRows(table: DeviceTensor, ids: Int32Array): DeviceTensor {
    const source = own(table, 'gatherRows');
    expectIds('gatherRows', ids, 0, source.rows);
    const out = this.make(ids.length, source.cols);
    this.#withIds(ids, (at) => {
      this.device.runRows('gatherRows', [out.offset, source.offset, at, source.cols], ids.length, source.cols);
    });
    return out;
  }

  scatterRows(dy: DeviceTensor, ids: Int32Array, rows: number): DeviceTensor {
    const slope = own(dy, 'scatterRows');
    expectSize('scatterRows', 'the number of ids', ids.length, slope.rows);
    expectIds('scatterRows', ids, 0, rows);
    const out = this.make(rows, slope.cols);
    this.#withIds(ids, (at) => {
      const args = [out.offset, slope.offset, at, ids.length, slope.cols];
      this.device.runRows('scatterRows', args, rows, (ids.length * slope.cols) / rows);
    });
    return out;
  }

  linearBackwardWeight(dy: DeviceTensor, x: DeviceTensor): DeviceTensor {
    const [slope, source] = [own(dy, 'linearBackwardWeight'), own(x, 'linearBackwardWeight')];
    expectSize('linearBackwardWeight', 'the number of rows', source.rows, slope.rows);
    const { rows, cols: inFeatures } = source;
    const { cols: outFeatures } = slope;
    const out = this.make(outFeatures, inFeatures);
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
    const slope = own(dy, 'columnSums');
    const out = this.make(1, slope.cols);
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
    const [dx, dWeight] = [this.make(rows, cols), this.make(1, cols)];
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
    const [dx, dWeight, dBias] = [this.make(rows, cols), this.make(1, cols), this.make(1, cols)];
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
    const { queries, keys, values, sequences } = attentionInputs(op, q, k, v, spec);
    const slope = own(dy, op);
    expectSame(op, slope, queries);
    const { numHeads, numKvHeads, headDim, seqLen, window } = spec;
    expectSize(op, 'keyLen', spec.keyLen, seqLen);
    const dq = this.make(queries.rows, queries.cols);
    const [dk, dv] = [this.make(keys.rows, keys.cols), this.make(keys.rows, keys.cols)];
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
    const [slope, first, second] = [own(dy, op), own(gate, op), own(up, op)];
    expectSame(op, first, slope);
    expectSame(op, second, slope);
    const [dGate, dUp] = [this.make(slope.rows, slope.cols), this.make(slope.rows, slope.cols)];
    const args = [dGate.offset, dUp.offset, slope.offset, first.offset, second.offset];
    this.#runElements(op, args, slope, 12);
    return { dGate, dUp };
  }

  geluBackward(dy: DeviceTensor, x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const [slope, source] = [own(dy, 'geluBackward'), own(x, 'geluBackward')];
    expectSame('geluBackward', source, slope);
    const out = this.make(slope.rows, slope.cols);
    const kernel = kind === 'tanh' ? 'geluTanhBackward' : 'geluErfBackward';
    this.#runElements(kernel, [out.offset, slope.offset, source.offset], slope, kind === 'tanh' ? 12 : 60);
    return out;
  }

  placeColumns(dy: DeviceTensor, from: number, cols: number): DeviceTensor {
    const slope = own(dy, 'placeColumns');
    if (!isRange(from, from + slope.cols, cols)) {
      throw new ShapeError(`columns ${from} … ${from + slope.cols} are not among ${cols}.`, {
        where: 'simd placeColumns',
      });
    }
    const out = this.make(slope.rows, cols);
    this.device.runRows('placeColumns', [out.offset, slope.offset, from, slope.cols, cols], slope.rows, cols);
    return out;
  }

  scale(x: DeviceTensor, factor: number): DeviceTensor {
    const source = own(x, 'scale');
    const out = this.make(source.rows, source.cols);
    this.#runElements('scale', [out.offset, source.offset, factor], source, 1);
    return out;
  }

  crossEntropy(
    logits: DeviceTensor,
    targets: Int32Array,
    weight: number,
  ): { nll: DeviceTensor; dLogits: DeviceTensor } {
    const source = own(logits, 'crossEntropy');
    const { rows, cols } = source;
    expectSize('crossEntropy', 'the number of targets', targets.length, rows);
    expectIds('crossEntropy', targets, -1, cols);
    const [nll, dLogits] = [this.make(rows, 1), this.make(rows, cols)];
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
    const [slope, source, gain] = [own(dy, op), own(x, op), own(weight, op)];
    expectSame(op, slope, source);
    expectSize(op, 'the weight length', gain.rows * gain.cols, source.cols);
    return [slope, source, gain];
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

function expectSame(op: string, found: SimdTensor, expected: SimdTensor): void {
  expectSize(op, 'the number of rows', found.rows, expected.rows);
  expectSize(op, 'the number of columns', found.cols, expected.cols);
}

/** @throws ShapeError unless each id is a whole number from `lowest` to `end` − 1. */
function expectIds(op: string, ids: Int32Array, lowest: number, end: number): void {
  const wrong = ids.find((id) => id < lowest || id >= end);
  if (wrong === undefined) return;
  throw new ShapeError(`id ${wrong} is not among ${lowest} … ${end - 1}.`, { where: `simd ${op}` });
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
