import { ShapeError } from '../../errors.ts';
import type { Floats } from '../../ops/floats.ts';
import type { AttentionSpec, DeviceTensor, GeluKind, LinearWeight, RopeSpec, RopeTable, Scope } from '../backend.ts';
import type { SimdDevice } from './simdDevice.ts';
import { columnSquares, gram, rowCosines } from './simdStatistics.ts';
import { expectSize, isRange, own, ownLinear, type SimdTensor } from './simdTensor.ts';

/**
 * The ops of one scope: each checks its shapes, takes memory for its result and runs its kernel.
 */
export class SimdScope implements Scope {
  protected readonly device: SimdDevice;
  /** Arrays and views made here and not kept. */
  readonly #made = new Set<SimdTensor>();
  #closed = false;

  constructor(device: SimdDevice) {
    this.device = device;
  }

  upload(data: Floats, rows: number, cols: number): DeviceTensor {
    expectSize('upload', 'the data length', data.length, rows * cols);
    const out = this.make(rows, cols);
    this.device.floats(out.offset, data.length).set(data);
    return out;
  }

  view(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = own(x, 'view');
    if (!isRange(from, to, source.rows)) {
      throw new ShapeError(`rows ${from} … ${to} are not among ${source.rows}.`, { where: 'simd view' });
    }
    return this.#adopt(this.device.view(source, to - from, source.cols, source.offset + from * source.cols * 4));
  }

  reshape(x: DeviceTensor, rows: number, cols: number): DeviceTensor {
    const source = own(x, 'reshape');
    expectSize('reshape', 'the element count', rows * cols, source.rows * source.cols);
    return this.#adopt(this.device.view(source, rows, cols, source.offset));
  }

  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor {
    const [source, gain] = [own(x, 'rmsNorm'), own(weight, 'rmsNorm')];
    expectSize('rmsNorm', 'the weight length', gain.rows * gain.cols, source.cols);
    const out = this.make(source.rows, source.cols);
    this.device.runRows(
      'rmsNorm',
      [out.offset, source.offset, gain.offset, source.cols, eps],
      source.rows,
      source.cols,
    );
    return out;
  }

  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor {
    const [source, gain, shift] = [own(x, 'layerNorm'), own(weight, 'layerNorm'), own(bias, 'layerNorm')];
    expectSize('layerNorm', 'the weight length', gain.rows * gain.cols, source.cols);
    expectSize('layerNorm', 'the bias length', shift.rows * shift.cols, source.cols);
    const out = this.make(source.rows, source.cols);
    const args = [out.offset, source.offset, gain.offset, shift.offset, source.cols, eps];
    this.device.runRows('layerNorm', args, source.rows, source.cols * 2);
    return out;
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    const [source, w] = [own(x, 'linear'), ownLinear(weight, 'linear')];
    expectSize('linear', 'the input width', source.cols, w.inFeatures);
    const out = this.make(source.rows, w.outFeatures);
    const { inFeatures: k, outFeatures: n } = w;
    const args = [out.offset, n, source.offset, k, w.panels.offset, w.bias?.offset ?? 0, k, n];
    this.device.runRows('linear', args, source.rows, k * n, 6);
    return out;
  }

  rope(x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    return this.rotate('rope', x, table, spec);
  }

  /** Each pair of x by its angle, or back by it. */
  protected rotate(op: 'rope' | 'ropeBackward', x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    const [source, cos, sin] = [own(x, op), own(table.cos, op), own(table.sin, op)];
    expectSize(op, 'the input width', source.cols, spec.heads * spec.headDim);
    expectSize(op, 'the table width', cos.cols, spec.headDim / 2);
    expectSize(op, 'the sine table width', sin.cols, spec.headDim / 2);
    const positions = Math.min(cos.rows, sin.rows);
    if (!isRange(spec.start, spec.start + spec.seqLen, positions) || source.rows % spec.seqLen !== 0) {
      throw new ShapeError(
        `${source.rows} rows as sequences of ${spec.seqLen} from position ${spec.start} do not fit a table of ${positions}.`,
        { where: `simd ${op}` },
      );
    }
    const out = this.make(source.rows, source.cols);
    const args = [out.offset, source.offset, cos.offset, sin.offset, spec.heads, spec.headDim, spec.seqLen, spec.start];
    this.device.runRows(op, args, source.rows, source.cols * 2);
    return out;
  }

  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    const { queries, keys, values, sequences } = attentionInputs('attention', q, k, v, spec);
    const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
    const out = this.make(queries.rows, queries.cols);
    const scratch = 4;
    const args = [out.offset, queries.offset, keys.offset, values.offset, 0, numHeads, numKvHeads, headDim];
    args.push(seqLen, keyLen, window ?? 0, 1 / Math.sqrt(headDim));
    this.device.run('attention', args, {
      units: sequences * numHeads,
      align: 1,
      costPerUnit: seqLen * keyLen * headDim,
      scratchArgument: scratch,
      scratchFloats: attentionScratch(keyLen, headDim),
    });
    return out;
  }

  swiglu(gate: DeviceTensor, up: DeviceTensor): DeviceTensor {
    return this.#elementwise('swiglu', gate, up);
  }

  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor {
    return this.#elementwise(kind === 'tanh' ? 'geluTanh' : 'geluErf', x, null);
  }

  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    return this.#elementwise('add', x, y);
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = own(x, 'columns');
    if (!isRange(from, to, source.cols)) {
      throw new ShapeError(`columns ${from} … ${to} are not among ${source.cols}.`, { where: 'simd columns' });
    }
    const out = this.make(source.rows, to - from);
    for (let row = 0; row < source.rows; row++) {
      this.device.copy(out.offset + row * out.cols * 4, source.offset + (row * source.cols + from) * 4, out.cols * 4);
    }
    return out;
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    if (parts.length === 0) throw new ShapeError('there are no parts.', { where: 'simd stack' });
    const sources = parts.map((part) => own(part, 'stack'));
    const [{ cols }] = sources;
    for (const part of sources) expectSize('stack', 'the number of columns', part.cols, cols);
    const out = this.make(
      sources.reduce((rows, part) => rows + part.rows, 0),
      cols,
    );
    let at = out.offset;
    for (const { offset, rows } of sources) {
      this.device.copy(at, offset, rows * cols * 4);
      at += rows * cols * 4;
    }
    return out;
  }

  columnSquares(x: DeviceTensor): DeviceTensor {
    const source = own(x, 'columnSquares');
    const out = this.make(1, source.cols);
    columnSquares(this.device, out, source);
    return out;
  }

  gram(x: DeviceTensor): DeviceTensor {
    const source = own(x, 'gram');
    const out = this.make(source.cols, source.cols);
    gram(this.device, out, source);
    return out;
  }

  rowCosines(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = [own(x, 'rowCosines'), own(y, 'rowCosines')];
    expectSize('rowCosines', 'the number of rows', second.rows, first.rows);
    expectSize('rowCosines', 'the number of columns', second.cols, first.cols);
    const out = this.make(first.rows, 1);
    rowCosines(this.device, out, first, second);
    return out;
  }

  keep(x: DeviceTensor): DeviceTensor {
    this.checkOpen();
    const handle = own(x, 'keep');
    if (handle.allocation === null || !this.#made.delete(handle)) {
      throw new ShapeError('only an array made in this scope, and no view, can be kept.', { where: 'simd keep' });
    }
    handle.scoped = false;
    return handle;
  }

  close(): void {
    if (this.#closed) throw new ShapeError('the scope is closed.', { where: 'simd scope' });
    this.#closed = true;
    for (const handle of this.#made) this.device.release(handle);
    this.#made.clear();
  }

  protected make(rows: number, cols: number): SimdTensor {
    this.checkOpen();
    return this.#adopt(this.device.make(rows, cols, 'short'));
  }

  #adopt(handle: SimdTensor): SimdTensor {
    this.checkOpen();
    handle.scoped = true;
    this.#made.add(handle);
    return handle;
  }

  protected checkOpen(): void {
    this.device.expectRunning();
    if (this.#closed) throw new ShapeError('the scope is closed.', { where: 'simd scope' });
  }

  #elementwise(op: 'add' | 'swiglu' | 'geluTanh' | 'geluErf', x: DeviceTensor, y: DeviceTensor | null): DeviceTensor {
    const first = own(x, op);
    const args = [first.offset];
    if (y !== null) {
      const second = own(y, op);
      expectSize(op, 'the number of rows', second.rows, first.rows);
      expectSize(op, 'the number of columns', second.cols, first.cols);
      args.push(second.offset);
    }
    const out = this.make(first.rows, first.cols);
    const costPerUnit = op === 'add' ? 1 : op === 'geluErf' ? 50 : 8;
    this.device.run(op, [out.offset, ...args], { units: first.rows * first.cols, align: 64, costPerUnit });
    return out;
  }
}

/**
 * The handles of q, k and v and how many sequences they hold. @throws ShapeError where they do not
 * fit `spec`.
 */
export function attentionInputs(
  op: string,
  q: DeviceTensor,
  k: DeviceTensor,
  v: DeviceTensor,
  spec: AttentionSpec,
): { queries: SimdTensor; keys: SimdTensor; values: SimdTensor; sequences: number } {
  const [queries, keys, values] = [own(q, op), own(k, op), own(v, op)];
  const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
  const sequences = queries.rows / seqLen;
  expectSize(op, 'the query width', queries.cols, numHeads * headDim);
  expectSize(op, 'the key width', keys.cols, numKvHeads * headDim);
  expectSize(op, 'the value width', values.cols, numKvHeads * headDim);
  expectSize(op, 'the number of key rows', keys.rows, sequences * keyLen);
  expectSize(op, 'the number of value rows', values.rows, sequences * keyLen);
  if (!Number.isInteger(sequences) || keyLen < seqLen || numHeads % numKvHeads !== 0 || (window ?? 1) < 1) {
    throw new ShapeError(
      `${queries.rows} rows, ${numHeads} heads over ${numKvHeads}, seqLen ${seqLen}, keyLen ${keyLen}, window ${String(window)} do not fit.`,
      { where: `simd ${op}` },
    );
  }
  return { queries, keys, values, sequences };
}

/**
 * Floats that assembly/attention.ts wants for itself: panels of one head's keys and values, twelve
 * rows of scores, their sums.
 */
export function attentionScratch(keyLen: number, headDim: number): number {
  const padded = (length: number): number => Math.ceil(length / 8) * 8;
  return padded(keyLen) * headDim + padded(headDim) * keyLen + 12 * padded(keyLen) + 12;
}
