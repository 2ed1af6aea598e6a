import type { Floats } from '../../ops/floats.ts';
import type { AttentionSpec, DeviceTensor, GeluKind, LinearWeight, RopeSpec, RopeTable, Scope } from '../backend.ts';
import type { SimdDevice } from './simdDevice.ts';
import { columnSquares, gram, rowCosines } from './simdStatistics.ts';
import { rules, type SimdLinear, type SimdNll, type SimdTensor } from './simdTensor.ts';
import { OwnedScope } from '../ownedScope.ts';

/**
 * The ops of one scope: each checks its shapes, takes memory for its result and runs its kernel.
 */
export class SimdScope extends OwnedScope<SimdTensor, SimdLinear, SimdNll> implements Scope {
  protected readonly device: SimdDevice;

  constructor(device: SimdDevice) {
    super(rules);
    this.device = device;
  }

  upload(data: Floats, rows: number, cols: number): DeviceTensor {
    rules.size('upload', rows, cols, data.length);
    const out = this.make('upload', rows, cols);
    this.device.floats(out.offset, data.length).set(data);
    return out;
  }

  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor {
    const source = rules.own('rmsNorm', x);
    const gain = rules.vector('rmsNorm', 'weight', weight, source);
    const { rows, cols } = source;
    const out = this.make('rmsNorm', rows, cols);
    this.device.runRows('rmsNorm', [out.offset, source.offset, gain.offset, cols, eps], rows, cols);
    return out;
  }

  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor {
    const source = rules.own('layerNorm', x);
    const gain = rules.vector('layerNorm', 'weight', weight, source);
    const shift = rules.vector('layerNorm', 'bias', bias, source);
    const out = this.make('layerNorm', source.rows, source.cols);
    const args = [out.offset, source.offset, gain.offset, shift.offset, source.cols, eps];
    this.device.runRows('layerNorm', args, source.rows, source.cols * 2);
    return out;
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    const { source, w } = rules.linear('linear', x, weight);
    const out = this.make('linear', source.rows, w.outFeatures);
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
    const { source, cos, sin } = rules.rope(op, x, table, spec);
    const out = this.make(op, source.rows, source.cols);
    const args = [out.offset, source.offset, cos.offset, sin.offset, spec.heads, spec.headDim, spec.seqLen, spec.start];
    this.device.runRows(op, args, source.rows, source.cols * 2);
    return out;
  }

  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    const { queries, keys, values, sequences } = rules.attention('attention', q, k, v, spec);
    const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
    const out = this.make('attention', queries.rows, queries.cols);
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
    return this.#elementwise('swiglu', ...rules.pair('swiglu', gate, up));
  }

  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor {
    return this.#elementwise(kind === 'tanh' ? 'geluTanh' : 'geluErf', rules.own('gelu', x), null);
  }

  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    return this.#elementwise('add', ...rules.pair('add', x, y));
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = rules.columns('columns', x, from, to);
    const out = this.make('columns', source.rows, to - from);
    for (let row = 0; row < source.rows; row++) {
      this.device.copy(out.offset + row * out.cols * 4, source.offset + (row * source.cols + from) * 4, out.cols * 4);
    }
    return out;
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    const { sources, rows: height, cols } = rules.parts('stack', parts);
    const out = this.make('stack', height, cols);
    let at = out.offset;
    for (const { offset, rows } of sources) {
      this.device.copy(at, offset, rows * cols * 4);
      at += rows * cols * 4;
    }
    return out;
  }

  columnSquares(x: DeviceTensor): DeviceTensor {
    const source = rules.own('columnSquares', x);
    const out = this.make('columnSquares', 1, source.cols);
    columnSquares(this.device, out, source);
    return out;
  }

  gram(x: DeviceTensor): DeviceTensor {
    const source = rules.own('gram', x);
    const out = this.make('gram', source.cols, source.cols);
    gram(this.device, out, source);
    return out;
  }

  rowCosines(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = rules.pair('rowCosines', x, y);
    const out = this.make('rowCosines', first.rows, 1);
    rowCosines(this.device, out, first, second);
    return out;
  }

  protected make(op: string, rows: number, cols: number): SimdTensor {
    this.expectOpen(op);
    return this.adopt(this.device.make(rows, cols, 'short'));
  }

  protected share(source: SimdTensor, at: number, rows: number, cols: number): SimdTensor {
    return this.device.view(source, rows, cols, source.offset + at * 4);
  }

  protected release(handle: SimdTensor): void {
    this.device.release(handle);
  }

  protected expectRunning(): void {
    this.device.expectRunning();
  }

  #elementwise(op: 'add' | 'swiglu' | 'geluTanh' | 'geluErf', x: SimdTensor, y: SimdTensor | null): DeviceTensor {
    const out = this.make(op, x.rows, x.cols);
    const args = y === null ? [x.offset] : [x.offset, y.offset];
    const costPerUnit = op === 'add' ? 1 : op === 'geluErf' ? 50 : 8;
    this.device.run(op, [out.offset, ...args], { units: out.length, align: 64, costPerUnit });
    return out;
  }
}

/**
 * Floats that assembly/attention.ts wants for itself: panels of one head's keys and values, twelve
 * rows of scores, their sums.
 */
export function attentionScratch(keyLen: number, headDim: number): number {
  const padded = (length: number): number => Math.ceil(length / 8) * 8;
  return padded(keyLen) * headDim + padded(headDim) * keyLen + 12 * padded(keyLen) + 12;
}
