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
import type { ReferenceMemory } from './referenceMemory.ts';
import { check, checkSize, own, ownLinear, shapeOf, type ReferenceTensor } from './referenceTensor.ts';

/**
 * The ops of one scope: each checks its shapes, makes an array for its result and runs the op of
 * src/ops.
 */
export class ReferenceScope implements Scope {
  protected readonly memory: ReferenceMemory;
  /** Arrays and views made here and not kept. */
  readonly #made = new Set<ReferenceTensor>();
  #closed = false;

  constructor(memory: ReferenceMemory) {
    this.memory = memory;
  }

  upload(data: Floats, rows: number, cols: number): DeviceTensor {
    checkSize('upload', rows, cols, data.length);
    const out = this.make('upload', rows, cols);
    out.data.set(data);
    return out;
  }

  view(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = own('view', x);
    check('view', isRange(from, to, source.rows), `rows ${from} … ${to} are not among those of ${shapeOf(source)}`);
    return this.#view('view', source, from * source.cols, to - from, source.cols);
  }

  reshape(x: DeviceTensor, rows: number, cols: number): DeviceTensor {
    const source = own('reshape', x);
    checkSize('reshape', rows, cols, source.data.length);
    return this.#view('reshape', source, 0, rows, cols);
  }

  rmsNorm(x: DeviceTensor, weight: DeviceTensor, eps: number): DeviceTensor {
    const source = own('rmsNorm', x);
    const gain = vector('rmsNorm', 'weight', weight, source);
    const out = this.make('rmsNorm', source.rows, source.cols);
    rmsNorm(out.data, source.data, gain.data, eps, source.rows, source.cols);
    return out;
  }

  layerNorm(x: DeviceTensor, weight: DeviceTensor, bias: DeviceTensor, eps: number): DeviceTensor {
    const source = own('layerNorm', x);
    const gain = vector('layerNorm', 'weight', weight, source);
    const shift = vector('layerNorm', 'bias', bias, source);
    const out = this.make('layerNorm', source.rows, source.cols);
    layerNorm(out.data, source.data, gain.data, shift.data, eps, source.rows, source.cols);
    return out;
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    const source = own('linear', x);
    const w = ownLinear('linear', weight);
    check(
      'linear',
      source.cols === w.inFeatures,
      `x ${shapeOf(x)} and W [${w.outFeatures}, ${w.inFeatures}] do not fit`,
    );
    const out = this.make('linear', source.rows, w.outFeatures);
    linear(out.data, source.data, w.weight, w.bias, source.rows, w.inFeatures, w.outFeatures);
    return out;
  }

  rope(x: DeviceTensor, table: RopeTable, spec: RopeSpec): DeviceTensor {
    const { source, cos, sin } = this.ropeInputs('rope', x, table, spec);
    const out = this.make('rope', source.rows, source.cols);
    rope(out.data, source.data, cos.data, sin.data, source.rows, spec);
    return out;
  }

  attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    const { queries, keys, values, sequences } = this.attentionInputs('attention', q, k, v, spec);
    const out = this.make('attention', queries.rows, queries.cols);
    causalAttention(out.data, queries.data, keys.data, values.data, sequences, spec);
    return out;
  }

  swiglu(gate: DeviceTensor, up: DeviceTensor): DeviceTensor {
    const [first, second] = sameShape('swiglu', gate, up);
    const out = this.make('swiglu', first.rows, first.cols);
    swiglu(out.data, first.data, second.data, out.data.length);
    return out;
  }

  gelu(x: DeviceTensor, kind: GeluKind): DeviceTensor {
    const source = own('gelu', x);
    const out = this.make('gelu', source.rows, source.cols);
    gelu(out.data, source.data, kind, out.data.length);
    return out;
  }

  add(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = sameShape('add', x, y);
    const out = this.make('add', first.rows, first.cols);
    add(out.data, first.data, second.data, out.data.length);
    return out;
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    const source = own('columns', x);
    check('columns', isRange(from, to, source.cols), `columns ${from} … ${to} are not among those of ${shapeOf(x)}`);
    const out = this.make('columns', source.rows, to - from);
    columns(out.data, source.data, from, to, source.rows, source.cols);
    return out;
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    const sources = parts.map((part) => own('stack', part));
    check('stack', sources.length > 0, 'there are no parts');
    const [{ cols }] = sources;
    const fit = sources.every((part) => part.cols === cols);
    check('stack', fit, `${sources.map(shapeOf).join(', ')} are not of equal width`);
    const out = this.make(
      'stack',
      sources.reduce((rows, part) => rows + part.rows, 0),
      cols,
    );
    let at = 0;
    for (const { data } of sources) {
      out.data.set(data, at);
      at += data.length;
    }
    return out;
  }

  columnSquares(x: DeviceTensor): DeviceTensor {
    const source = own('columnSquares', x);
    const out = this.make('columnSquares', 1, source.cols);
    columnSquares(out.data, source.data, source.rows, source.cols);
    return out;
  }

  gram(x: DeviceTensor): DeviceTensor {
    const source = own('gram', x);
    const out = this.make('gram', source.cols, source.cols);
    gram(out.data, source.data, source.rows, source.cols);
    return out;
  }

  rowCosines(x: DeviceTensor, y: DeviceTensor): DeviceTensor {
    const [first, second] = sameShape('rowCosines', x, y);
    const out = this.make('rowCosines', first.rows, 1);
    rowCosines(out.data, first.data, second.data, first.rows, first.cols);
    return out;
  }

  keep(x: DeviceTensor): DeviceTensor {
    this.checkOpen('keep');
    const handle = own('keep', x);
    check('keep', !handle.isView, 'a view owns no memory and cannot be kept');
    check('keep', this.#made.delete(handle), 'the array was not made in this scope, or is kept already');
    handle.scoped = false;
    return handle;
  }

  close(): void {
    check('close', !this.#closed, 'the scope is closed');
    this.#closed = true;
    for (const handle of this.#made) this.memory.release(handle);
    this.#made.clear();
  }

  /** The checked arrays of a rotation, forward or backward. */
  protected ropeInputs(
    op: string,
    x: DeviceTensor,
    table: RopeTable,
    { heads, headDim, seqLen, start }: RopeSpec,
  ): Record<'source' | 'cos' | 'sin', ReferenceTensor> {
    const [source, cos, sin] = [own(op, x), own(op, table.cos), own(op, table.sin)];
    const shapes = `x ${shapeOf(x)}, table ${shapeOf(cos)} and ${shapeOf(sin)}, ${heads} heads of ${headDim}`;
    check(op, source.cols === heads * headDim && headDim % 2 === 0, `${shapes} do not fit`);
    check(
      op,
      [cos, sin].every((part) => part.cols === headDim / 2),
      `${shapes} do not fit`,
    );
    check(
      op,
      source.rows % seqLen === 0 && start >= 0 && start + seqLen <= Math.min(cos.rows, sin.rows),
      `${shapes} do not fit sequences of ${seqLen} rows from position ${start}`,
    );
    return { source, cos, sin };
  }

  /** The checked arrays of an attention, forward or backward. */
  protected attentionInputs(
    op: string,
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    spec: AttentionSpec,
  ): Record<'queries' | 'keys' | 'values', ReferenceTensor> & { sequences: number } {
    const [queries, keys, values] = [own(op, q), own(op, k), own(op, v)];
    const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
    const shapes = `q ${shapeOf(q)}, k ${shapeOf(k)}, v ${shapeOf(v)} with ${JSON.stringify(spec)} do not fit`;
    const sequences = queries.rows / seqLen;
    check(op, Number.isInteger(sequences) && keyLen >= seqLen && numHeads % numKvHeads === 0, shapes);
    check(op, window === null || window >= 1, shapes);
    check(op, queries.cols === numHeads * headDim, shapes);
    for (const part of [keys, values]) {
      check(op, part.rows === sequences * keyLen && part.cols === numKvHeads * headDim, shapes);
    }
    return { queries, keys, values, sequences };
  }

  protected make(op: string, rows: number, cols: number): ReferenceTensor {
    this.checkOpen(op);
    return this.#adopt(this.memory.make(rows, cols));
  }

  #view(op: string, source: ReferenceTensor, at: number, rows: number, cols: number): ReferenceTensor {
    this.checkOpen(op);
    return this.#adopt(this.memory.view(source, at, rows, cols));
  }

  #adopt(handle: ReferenceTensor): ReferenceTensor {
    handle.scoped = true;
    this.#made.add(handle);
    return handle;
  }

  protected checkOpen(op: string): void {
    this.memory.running.expect();
    check(op, !this.#closed, 'the scope is closed');
  }
}

/** A [1, C] parameter that fits x's rows. */
export function vector(op: string, name: string, parameter: DeviceTensor, x: ReferenceTensor): ReferenceTensor {
  const handle = own(op, parameter);
  const fits = handle.rows === 1 && handle.cols === x.cols;
  check(op, fits, `x ${shapeOf(x)} and ${name} ${shapeOf(handle)} do not fit`);
  return handle;
}

export function sameShape(op: string, x: DeviceTensor, y: DeviceTensor): [ReferenceTensor, ReferenceTensor] {
  const first = own(op, x);
  const second = own(op, y);
  check(op, x.rows === y.rows && x.cols === y.cols, `${shapeOf(x)} and ${shapeOf(y)} are not of one shape`);
  return [first, second];
}

function isRange(from: number, to: number, length: number): boolean {
  return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= length;
}
