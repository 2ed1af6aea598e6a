import type { AttentionSpec, DeviceTensor, GeluKind, LinearWeight, RopeSpec, RopeTable, Scope } from '../backend.ts';
import { attention } from './attention.ts';
import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';
import { check, checkSize, GpuTensor, isRange, own, ownLinear, shapeOf } from './gpuTensor.ts';
import { project } from './linear.ts';
import { stack } from './stack.ts';
import { columnSquares, gram, rowCosines } from './statistics.ts';

/** Strided sums that a row's statistic is added up in. */
const PARTS = 8;

/**
 * The ops of one scope: each checks its shapes, makes a buffer for its result and queues its
 * kernels.
 */
export class GpuScope implements Scope {
  readonly #device: GpuDevice;
  /** Arrays and views made here and not kept. */
  readonly #made = new Set<GpuTensor>();
  #closed = false;

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  upload(data: Float32Array, rows: number, cols: number): DeviceTensor {
    checkSize('upload', rows, cols, data.length);
    this.#checkOpen('upload');
    return this.#result(rows, cols, this.#device.upload(data, rows, cols));
  }

  view(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = own('view', x);
    check('view', isRange(from, to, source.rows), `rows ${from} … ${to} are not among those of ${shapeOf(source)}`);
    return this.#view('view', source, from * source.cols, to - from, source.cols);
  }

  reshape(x: DeviceTensor, rows: number, cols: number): DeviceTensor {
    const source = own('reshape', x);
    checkSize('reshape', rows, cols, source.length);
    return this.#view('reshape', source, 0, rows, cols);
  }

  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor {
    const source = own('rmsNorm', x);
    const gain = vector('rmsNorm', 'weight', weight, source);
    this.#checkOpen('rmsNorm');
    const { rows, cols } = source;
    const parts = Math.min(PARTS, cols);
    const squares = this.#device.run('rowSquares', rows, parts, [...at(source), cols, parts]);
    const args = [...at(source), squares, ...at(gain), cols, parts, eps];
    return this.#result(rows, cols, this.#device.run('rmsNorm', rows, cols, args), squares);
  }

  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor {
    const source = own('layerNorm', x);
    const gain = vector('layerNorm', 'weight', weight, source);
    const shift = vector('layerNorm', 'bias', bias, source);
    this.#checkOpen('layerNorm');
    const { rows, cols } = source;
    const parts = Math.min(PARTS, cols);
    const sums = this.#device.run('rowSums', rows, parts, [...at(source), cols, parts]);
    const squares = this.#device.run('centredSquares', rows, parts, [...at(source), sums, cols, parts]);
    const args = [...at(source), sums, squares, ...at(gain), ...at(shift), cols, parts, eps];
    return this.#result(rows, cols, this.#device.run('layerNorm', rows, cols, args), sums, squares);
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    const source = own('linear', x);
    const w = ownLinear('linear', weight);
    check(
      'linear',
      source.cols === w.inFeatures,
      `x ${shapeOf(x)} and W [${w.outFeatures}, ${w.inFeatures}] do not fit`,
    );
    this.#checkOpen('linear');
    return this.#result(source.rows, w.outFeatures, project(this.#device, source, w, 0, source.rows));
  }

  rope(x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    const source = own('rope', x);
    const cos = own('rope', table.cos);
    const sin = own('rope', table.sin);
    const { heads, headDim, seqLen, start } = spec;
    const half = headDim / 2;
    const shapes = `x ${shapeOf(x)}, table ${shapeOf(cos)} and ${shapeOf(sin)}, ${heads} heads of ${headDim}`;
    check('rope', source.cols === heads * headDim && headDim % 2 === 0, `${shapes} do not fit`);
    check('rope', cos.cols === half && sin.cols === half, `${shapes} do not fit`);
    check(
      'rope',
      source.rows % seqLen === 0 && start >= 0 && start + seqLen <= Math.min(cos.rows, sin.rows),
      `${shapes} do not fit sequences of ${seqLen} rows from position ${start}`,
    );
    const args = [...at(source), ...at(cos), ...at(sin), source.cols, half, seqLen, start];
    return this.#run('rope', source, args);
  }

  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    const queries = own('attention', q);
    const keys = own('attention', k);
    const values = own('attention', v);
    const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
    const shapes = `q ${shapeOf(q)}, k ${shapeOf(k)}, v ${shapeOf(v)} with ${JSON.stringify(spec)} do not fit`;
    const sequences = queries.rows / seqLen;
    check('attention', Number.isInteger(sequences) && keyLen >= seqLen && numHeads % numKvHeads === 0, shapes);
    check('attention', window === null || window >= 1, shapes);
    check('attention', queries.cols === numHeads * headDim, shapes);
    for (const part of [keys, values]) {
      check('attention', part.rows === sequences * keyLen && part.cols === numKvHeads * headDim, shapes);
    }
    this.#checkOpen('attention');
    return this.#result(queries.rows, queries.cols, attention(this.#device, queries, keys, values, spec));
  }

  swiglu(gate: DeviceTensor, up: DeviceTensor): DeviceTensor {
    const [first, second] = sameShape('swiglu', gate, up);
    return this.#run('swiglu', first, [...at(first), ...at(second), first.cols]);
  }

  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const source = own('gelu', x);
    return this.#run(kind === 'tanh' ? 'geluTanh' : 'geluErf', source, [...at(source), source.cols]);
  }

  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = sameShape('add', x, y);
    return this.#run('add', first, [...at(first), ...at(second), first.cols]);
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = own('columns', x);
    check('columns', isRange(from, to, source.cols), `columns ${from} … ${to} are not among those of ${shapeOf(x)}`);
    this.#checkOpen('columns');
    const args = [...at(source), source.cols, from];
    return this.#result(source.rows, to - from, this.#device.run('columns', source.rows, to - from, args));
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    const sources = parts.map((part) => own('stack', part));
    check('stack', sources.length > 0, 'there are no parts');
    const [{ cols }] = sources;
    const fit = sources.every((part) => part.cols === cols);
    check('stack', fit, `${sources.map(shapeOf).join(', ')} are not of equal width`);
    this.#checkOpen('stack');
    const rows = sources.reduce((sum, part) => sum + part.rows, 0);
    return this.#result(rows, cols, stack(this.#device, sources));
  }

  columnSquares(x: DeviceTensor): DeviceTensor {
    const source = own('columnSquares', x);
    this.#checkOpen('columnSquares');
    return this.#result(1, source.cols, columnSquares(this.#device, source));
  }

  gram(x: DeviceTensor): DeviceTensor {
    const source = own('gram', x);
    this.#checkOpen('gram');
    return this.#result(source.cols, source.cols, gram(this.#device, source));
  }

  rowCosines(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = sameShape('rowCosines', x, y);
    this.#checkOpen('rowCosines');
    return this.#result(first.rows, 1, rowCosines(this.#device, first, second));
  }

  keep(x: DeviceTensor): DeviceTensor {
    this.#checkOpen('keep');
    const handle = own('keep', x);
    check('keep', !handle.isView, 'a view owns no memory and cannot be kept');
    check('keep', this.#made.delete(handle), 'the array was not made in this scope, or is kept already');
    handle.scoped = false;
    return handle;
  }

  close(): void {
    check('close', !this.#closed, 'the scope is closed');
    this.#closed = true;
    for (const handle of this.#made) {
      handle.freed = true;
      if (!handle.isView) this.#device.release(handle.buffer);
    }
    this.#made.clear();
  }

  /** An op of one kernel that keeps its input's shape. */
  #run(
    name: 'rope' | 'swiglu' | 'geluTanh' | 'geluErf' | 'add',
    x: GpuTensor,
    args: readonly (GpuBuffer | number)[],
  ): GpuTensor {
    this.#checkOpen(name);
    return this.#result(x.rows, x.cols, this.#device.run(name, x.rows, x.cols, args));
  }

  /** A handle for an op's result, and an end to what the op needed on its way. */
  #result(rows: number, cols: number, buffer: GpuBuffer, ...scratch: readonly GpuBuffer[]): GpuTensor {
    for (const used of scratch) this.#device.discard(used);
    return this.#adopt(new GpuTensor(rows, cols, this.#device.hold(buffer)));
  }

  #view(op: string, source: GpuTensor, from: number, rows: number, cols: number): GpuTensor {
    this.#checkOpen(op);
    return this.#adopt(new GpuTensor(rows, cols, { owner: source.owner, at: source.at + from }));
  }

  #adopt(handle: GpuTensor): GpuTensor {
    handle.scoped = true;
    this.#made.add(handle);
    return handle;
  }

  #checkOpen(op: string): void {
    this.#device.expectRunning();
    check(op, !this.#closed, 'the scope is closed');
  }
}

/** An array as kernels take it: its memory and where in it the array starts. */
function at(x: GpuTensor): [GpuBuffer, number] {
  return [x.buffer, x.at];
}

/** A [1, C] parameter that fits x's rows. */
function vector(op: string, name: string, parameter: DeviceTensor, x: GpuTensor): GpuTensor {
  const handle = own(op, parameter);
  const fits = handle.rows === 1 && handle.cols === x.cols;
  check(op, fits, `x ${shapeOf(x)} and ${name} ${shapeOf(handle)} do not fit`);
  return handle;
}

function sameShape(op: string, x: DeviceTensor, y: DeviceTensor): [GpuTensor, GpuTensor] {
  const first = own(op, x);
  const second = own(op, y);
  check(op, x.rows === y.rows && x.cols === y.cols, `${shapeOf(x)} and ${shapeOf(y)} are not of one shape`);
  return [first, second];
}
