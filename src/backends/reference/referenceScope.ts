import { add } from '../../ops/add.ts';
import { causalAttention } from '../../ops/causalAttention.ts';
import { columns } from '../../ops/columns.ts';
import { columnSquares } from '../../ops/columnSquares.ts';
import type { Floats } from '../../ops/floats.ts';
import { gelu, type GeluKind } from '../../ops/gelu.ts';
import { gram } from '../../ops/gram.ts';
import { layerNorm } from '../../ops/layerNorm.ts';
import { linear } from '../../ops/linear.ts';
import { rmsNorm } from '../../ops/rmsNorm.ts';
import { rope } from '../../ops/rope.ts';
import { rowCosines } from '../../ops/rowCosines.ts';
import { swiglu } from '../../ops/swiglu.ts';
import type { AttentionSpec, DeviceTensor, LinearWeight, RopeSpec, RopeTable, Scope } from '../backend.ts';
import { OwnedScope } from '../ownedScope.ts';
import type { ReferenceMemory } from './referenceMemory.ts';
import { rules, type ReferenceLinear, type ReferenceNll, type ReferenceTensor } from './referenceTensor.ts';

/**
 * The ops of one scope: each checks its shapes, makes an array for its result and runs the op of
 * src/ops.
 */
export class ReferenceScope extends OwnedScope<ReferenceTensor, ReferenceLinear, ReferenceNll> implements Scope {
  protected readonly memory: ReferenceMemory;

  constructor(memory: ReferenceMemory) {
    super(rules);
    this.memory = memory;
  }

  upload(data: Floats, rows: number, cols: number): DeviceTensor {
    rules.size('upload', rows, cols, data.length);
    const out = this.make('upload', rows, cols);
    out.data.set(data);
    return out;
  }

  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor {
    const source = rules.own('rmsNorm', x);
    const gain = rules.vector('rmsNorm', 'weight', weight, source);
    const out = this.make('rmsNorm', source.rows, source.cols);
    rmsNorm(out.data, source.data, gain.data, eps, source.rows, source.cols);
    return out;
  }

  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor {
    const source = rules.own('layerNorm', x);
    const gain = rules.vector('layerNorm', 'weight', weight, source);
    const shift = rules.vector('layerNorm', 'bias', bias, source);
    const out = this.make('layerNorm', source.rows, source.cols);
    layerNorm(out.data, source.data, gain.data, shift.data, eps, source.rows, source.cols);
    return out;
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    const { source, w } = rules.linear('linear', x, weight);
    const out = this.make('linear', source.rows, w.outFeatures);
    linear(out.data, source.data, w.weight, w.bias, source.rows, w.inFeatures, w.outFeatures);
    return out;
  }

  rope(x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    const { source, cos, sin } = rules.rope('rope', x, table, spec);
    const out = this.make('rope', source.rows, source.cols);
    rope(out.data, source.data, cos.data, sin.data, source.rows, spec);
    return out;
  }

  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    const { queries, keys, values, sequences } = rules.attention('attention', q, k, v, spec);
    const out = this.make('attention', queries.rows, queries.cols);
    causalAttention(out.data, queries.data, keys.data, values.data, sequences, spec);
    return out;
  }

  swiglu(gate: DeviceTensor, up: DeviceTensor): DeviceTensor {
    const [first, second] = rules.pair('swiglu', gate, up);
    const out = this.make('swiglu', first.rows, first.cols);
    swiglu(out.data, first.data, second.data, out.length);
    return out;
  }

  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const source = rules.own('gelu', x);
    const out = this.make('gelu', source.rows, source.cols);
    gelu(out.data, source.data, kind, out.length);
    return out;
  }

  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = rules.pair('add', x, y);
    const out = this.make('add', first.rows, first.cols);
    add(out.data, first.data, second.data, out.length);
    return out;
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = rules.columns('columns', x, from, to);
    const out = this.make('columns', source.rows, to - from);
    columns(out.data, source.data, from, to, source.rows, source.cols);
    return out;
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    const { sources, rows, cols } = rules.parts('stack', parts);
    const out = this.make('stack', rows, cols);
    let at = 0;
    for (const { data } of sources) {
      out.data.set(data, at);
      at += data.length;
    }
    return out;
  }

  columnSquares(x: DeviceTensor): DeviceTensor {
    const source = rules.own('columnSquares', x);
    const out = this.make('columnSquares', 1, source.cols);
    columnSquares(out.data, source.data, source.rows, source.cols);
    return out;
  }

  gram(x: DeviceTensor): DeviceTensor {
    const source = rules.own('gram', x);
    const out = this.make('gram', source.cols, source.cols);
    gram(out.data, source.data, source.rows, source.cols);
    return out;
  }

  rowCosines(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = rules.pair('rowCosines', x, y);
    const out = this.make('rowCosines', first.rows, 1);
    rowCosines(out.data, first.data, second.data, first.rows, first.cols);
    return out;
  }

  protected make(op: string, rows: number, cols: number): ReferenceTensor {
    this.expectOpen(op);
    return this.adopt(this.memory.make(rows, cols));
  }

  protected share(source: ReferenceTensor, at: number, rows: number, cols: number): ReferenceTensor {
    return this.memory.view(source, at, rows, cols);
  }

  protected release(handle: ReferenceTensor): void {
    this.memory.release(handle);
  }

  protected expectRunning(): void {
    this.memory.running.expect();
  }
}
