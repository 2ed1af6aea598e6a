import type { AttentionSpec, DeviceTensor, GeluKind, LinearWeight, RopeSpec, RopeTable, Scope } from '../backend.ts';
import { attention } from './attention.ts';
import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';
import { rules, type GpuNll } from './gpuNll.ts';
import { GpuTensor, type GpuLinear } from './gpuTensor.ts';
import { OwnedScope } from '../ownedScope.ts';
import { project } from './linear.ts';
import { stack } from './stack.ts';
import { columnSquares, gram, rowCosines } from './statistics.ts';

/** Strided sums that a row's statistic is added up in. */
const PARTS = 8;

/**
 * The ops of one scope: each checks its shapes, makes a buffer for its result and queues its
 * kernels.
 */
export class GpuScope extends OwnedScope<GpuTensor, GpuLinear, GpuNll> implements Scope {
  readonly #device: GpuDevice;

  constructor(device: GpuDevice) {
    super(rules);
    this.#device = device;
  }

  upload(data: Float32Array, rows: number, cols: number): DeviceTensor {
    rules.size('upload', rows, cols, data.length);
    this.expectOpen('upload');
    return this.#result(rows, cols, this.#device.upload(data, rows, cols));
  }

  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor {
    const source = rules.own('rmsNorm', x);
    const gain = rules.vector('rmsNorm', 'weight', weight, source);
    this.expectOpen('rmsNorm');
    const { rows, cols } = source;
    const parts = Math.min(PARTS, cols);
    const squares = this.#device.run('rowSquares', rows, parts, [...at(source), cols, parts]);
    const args = [...at(source), squares, ...at(gain), cols, parts, eps];
    return this.#result(rows, cols, this.#device.run('rmsNorm', rows, cols, args), squares);
  }

  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor {
    const source = rules.own('layerNorm', x);
    const gain = rules.vector('layerNorm', 'weight', weight, source);
    const shift = rules.vector('layerNorm', 'bias', bias, source);
    this.expectOpen('layerNorm');
    const { rows, cols } = source;
    const parts = Math.min(PARTS, cols);
    const sums = this.#device.run('rowSums', rows, parts, [...at(source), cols, parts]);
    const squares = this.#device.run('centredSquares', rows, parts, [...at(source), sums, cols, parts]);
    const args = [...at(source), sums, squares, ...at(gain), ...at(shift), cols, parts, eps];
    return this.#result(rows, cols, this.#device.run('layerNorm', rows, cols, args), sums, squares);
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    const { source, w } = rules.linear('linear', x, weight);
    this.expectOpen('linear');
    return this.#result(source.rows, w.outFeatures, project(this.#device, source, w, 0, source.rows));
  }

  rope(x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    const { source, cos, sin } = rules.rope('rope', x, table, spec);
    const { headDim, seqLen, start } = spec;
    const half = headDim / 2;
    const args = [...at(source), ...at(cos), ...at(sin), source.cols, half, seqLen, start];
    return this.#run('rope', source, args);
  }

  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    const { queries, keys, values } = rules.attention('attention', q, k, v, spec);
    const arrays = { q: queries, k: keys, v: values };
    this.expectOpen('attention');
    return this.#result(queries.rows, queries.cols, attention(this.#device, arrays, spec));
  }

  swiglu(gate: DeviceTensor, up: DeviceTensor): DeviceTensor {
    const [first, second] = rules.pair('swiglu', gate, up);
    return this.#run('swiglu', first, [...at(first), ...at(second), first.cols]);
  }

  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const source = rules.own('gelu', x);
    return this.#run(kind === 'tanh' ? 'geluTanh' : 'geluErf', source, [...at(source), source.cols]);
  }

  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = rules.pair('add', x, y);
    return this.#run('add', first, [...at(first), ...at(second), first.cols]);
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = rules.columns('columns', x, from, to);
    this.expectOpen('columns');
    const args = [...at(source), source.cols, from];
    return this.#result(source.rows, to - from, this.#device.run('columns', source.rows, to - from, args));
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    const { sources, rows, cols } = rules.parts('stack', parts);
    this.expectOpen('stack');
    return this.#result(rows, cols, stack(this.#device, sources));
  }

  columnSquares(x: DeviceTensor): DeviceTensor {
    const source = rules.own('columnSquares', x);
    this.expectOpen('columnSquares');
    return this.#result(1, source.cols, columnSquares(this.#device, source));
  }

  gram(x: DeviceTensor): DeviceTensor {
    const source = rules.own('gram', x);
    this.expectOpen('gram');
    return this.#result(source.cols, source.cols, gram(this.#device, source));
  }

  rowCosines(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = rules.pair('rowCosines', x, y);
    this.expectOpen('rowCosines');
    return this.#result(first.rows, 1, rowCosines(this.#device, first, second));
  }

  /** An op of one kernel that keeps its input's shape. */
  #run(
    name: 'rope' | 'swiglu' | 'geluTanh' | 'geluErf' | 'add',
    x: GpuTensor,
    args: readonly (GpuBuffer | number)[],
  ): GpuTensor {
    this.expectOpen(name);
    return this.#result(x.rows, x.cols, this.#device.run(name, x.rows, x.cols, args));
  }

  /** A handle for an op's result, and an end to what the op needed on its way. */
  #result(rows: number, cols: number, buffer: GpuBuffer, ...scratch: readonly GpuBuffer[]): GpuTensor {
    for (const used of scratch) this.#device.discard(used);
    return this.adopt(new GpuTensor(rows, cols, this.#device.hold(buffer)));
  }

  protected share(source: GpuTensor, from: number, rows: number, cols: number): GpuTensor {
    return new GpuTensor(rows, cols, { owner: source.owner, at: source.at + from });
  }

  protected release(handle: GpuTensor): void {
    handle.freed = true;
    if (!handle.isView) this.#device.release(handle.buffer);
  }

  protected expectRunning(): void {
    this.#device.expectRunning();
  }
}

/** An array as kernels take it: its memory and where in it the array starts. */
function at(x: GpuTensor): [GpuBuffer, number] {
  return [x.buffer, x.at];
}
