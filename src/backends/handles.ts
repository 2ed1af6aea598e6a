/**
 * Who owns which memory, and which shapes fit: the rules of the contract that do not depend on
 * where the arithmetic runs. Every backend's handles are of these classes, and every op begins by
 * asking `Rules` for the handles behind its arguments.
 */
import { ShapeError } from '../errors.ts';
import type { AttentionSpec, DeviceTensor, LinearWeight, NllState, RopeSpec, RopeTable } from './backend.ts';

/** A device array of some backend. */
export abstract class Handle implements DeviceTensor {
  readonly rows: number;
  readonly cols: number;
  /** The handle whose memory this is: itself, or what it is a view of. */
  readonly owner: Handle;
  /** A scope will free this handle when it closes. */
  scoped = false;
  /** Set when this handle was freed or its scope closed. */
  freed = false;

  /** @param owner null for a handle that owns its memory. */
  constructor(rows: number, cols: number, owner: Handle | null) {
    this.rows = rows;
    this.cols = cols;
    this.owner = owner ?? this;
  }

  get length(): number {
    return this.rows * this.cols;
  }

  get isView(): boolean {
    return this.owner !== this;
  }
}

/** A packed projection of some backend. */
export abstract class LinearHandle implements LinearWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  abstract readonly bytes: number;
  freed = false;

  constructor(outFeatures: number, inFeatures: number) {
    this.outFeatures = outFeatures;
    this.inFeatures = inFeatures;
  }
}

/** A running log-sum-exp of some backend. */
export abstract class NllHandle implements NllState {
  readonly rows: number;
  /** Set when a later tile took the sums over, or they were finished. */
  ended = false;

  constructor(rows: number) {
    this.rows = rows;
  }
}

type ClassOf<T> = abstract new (...args: never[]) => T;

/**
 * The rules for one backend's handles. All methods throw ShapeError: backend, op, what is wrong.
 */
export class Rules<T extends Handle, L extends LinearHandle, N extends NllHandle> {
  readonly #backend: string;
  readonly #array: ClassOf<T>;
  readonly #linear: ClassOf<L>;
  readonly #nll: ClassOf<N>;

  constructor(backend: string, array: ClassOf<T>, linear: ClassOf<L>, nll: ClassOf<N>) {
    this.#backend = backend;
    this.#array = array;
    this.#linear = linear;
    this.#nll = nll;
  }

  /**
   * @param message made only when it is needed: ops of a single row take microseconds.
   * @throws ShapeError `<backend> <op>: <message>.` unless `fits`.
   */
  check(op: string, fits: boolean, message: () => string): void {
    if (!fits) throw new ShapeError(`${message()}.`, { where: `${this.#backend} ${op}` });
  }

  /** The live array behind a handle of the contract. */
  own(op: string, x: DeviceTensor): T {
    if (!(x instanceof this.#array)) throw this.#foreign(op, 'array');
    this.check(op, !x.freed && !x.owner.freed, () => `the array ${shapeOf(x)} was freed, or its scope closed`);
    return x;
  }

  /** The live weight behind a handle of the contract. */
  ownLinear(op: string, weight: LinearWeight): L {
    if (!(weight instanceof this.#linear)) throw this.#foreign(op, 'weight');
    this.check(op, !weight.freed, () => `the weight ${shapeOfWeight(weight)} was freed`);
    return weight;
  }

  /** The running state behind a handle of the contract. */
  ownNll(op: string, state: NllState): N {
    if (!(state instanceof this.#nll)) throw this.#foreign(op, 'log-sum-exp state');
    this.check(op, !state.ended, () => 'the log-sum-exp state was passed on or finished before');
    return state;
  }

  #foreign(op: string, what: string): ShapeError {
    return new ShapeError(`the ${what} belongs to another backend.`, { where: `${this.#backend} ${op}` });
  }

  /** Rows and cols are whole, positive and make up `length` elements. */
  size(op: string, rows: number, cols: number, length: number): void {
    const whole = Number.isInteger(rows) && Number.isInteger(cols) && rows > 0 && cols > 0;
    this.check(op, whole && rows * cols === length, () => `${length} elements are not [${rows}, ${cols}]`);
  }

  /**
   * The weight and bias of a projection to be packed: W [outFeatures, inFeatures], bias
   * [biasLength].
   */
  projection(
    op: string,
    weight: ArrayLike<number>,
    [outFeatures, inFeatures]: readonly [number, number],
    bias: ArrayLike<number> | null,
    biasLength: number = outFeatures,
  ): void {
    this.size(op, outFeatures, inFeatures, weight.length);
    if (bias !== null) this.size(op, 1, biasLength, bias.length);
  }

  /** Rows from … to of x, not empty. */
  rows(op: string, x: DeviceTensor, from: number, to: number): T {
    const source = this.own(op, x);
    const fits = isRange(from, to, source.rows);
    this.check(op, fits, () => `rows ${from} … ${to} are not among those of ${shapeOf(source)}`);
    return source;
  }

  /** Columns from … to of x, not empty. */
  columns(op: string, x: DeviceTensor, from: number, to: number): T {
    const source = this.own(op, x);
    const fits = isRange(from, to, source.cols);
    this.check(op, fits, () => `columns ${from} … ${to} are not among those of ${shapeOf(source)}`);
    return source;
  }

  /** x as columns `from` and following of [R, cols]. */
  place(op: string, x: T, from: number, cols: number): void {
    const fits = isRange(from, from + x.cols, cols);
    this.check(op, fits, () => `${shapeOf(x)} does not fit into ${cols} columns from ${from} on`);
  }

  /** At least one part, all of equal width, and how many rows they have. */
  parts(op: string, parts: readonly DeviceTensor[]): { sources: T[]; rows: number; cols: number } {
    const sources = parts.map((part) => this.own(op, part));
    this.check(op, sources.length > 0, () => 'there are no parts');
    const [{ cols }] = sources;
    const fit = sources.every((part) => part.cols === cols);
    this.check(op, fit, () => `${sources.map(shapeOf).join(', ')} are not of equal width`);
    return { sources, rows: sources.reduce((sum, part) => sum + part.rows, 0), cols };
  }

  /** `source`, which fits into `target` from row `at` on. */
  writeRows(target: DeviceTensor, at: number, source: DeviceTensor): { to: T; from: T } {
    const [to, from] = [this.own('writeRows', target), this.own('writeRows', source)];
    const fits = from.cols === to.cols && isRange(at, at + from.rows, to.rows);
    this.check('writeRows', fits, () => `${shapeOf(from)} does not fit into ${shapeOf(to)} at row ${at}`);
    return { to, from };
  }

  /** Two arrays of one shape. */
  pair(op: string, x: DeviceTensor, y: DeviceTensor): [T, T] {
    const [first, second] = [this.own(op, x), this.own(op, y)];
    const same = first.rows === second.rows && first.cols === second.cols;
    this.check(op, same, () => `${shapeOf(first)} and ${shapeOf(second)} are not of one shape`);
    return [first, second];
  }

  /** A [1, C] parameter for rows of x. */
  vector(op: string, name: string, parameter: DeviceTensor, x: T): T {
    const handle = this.own(op, parameter);
    const fits = handle.rows === 1 && handle.cols === x.cols;
    this.check(op, fits, () => `x ${shapeOf(x)} and ${name} ${shapeOf(handle)} do not fit`);
    return handle;
  }

  /** x [R, in] and W [out, in]. */
  linear(op: string, x: DeviceTensor, weight: LinearWeight): { source: T; w: L } {
    const [source, w] = [this.own(op, x), this.ownLinear(op, weight)];
    const fits = source.cols === w.inFeatures;
    this.check(op, fits, () => `x ${shapeOf(source)} and W ${shapeOfWeight(w)} do not fit`);
    return { source, w };
  }

  /** The arrays of a rotation, forward or backward. */
  rope(op: string, x: DeviceTensor, table: RopeTable, spec: RopeSpec): Record<'source' | 'cos' | 'sin', T> {
    const { heads, headDim, seqLen, start } = spec;
    const [source, cos, sin] = [this.own(op, x), this.own(op, table.cos), this.own(op, table.sin)];
    const shapes = (): string =>
      `x ${shapeOf(source)}, table ${shapeOf(cos)} and ${shapeOf(sin)}, ${heads} heads of ${headDim}`;
    const widths = source.cols === heads * headDim && cos.cols === headDim / 2 && sin.cols === headDim / 2;
    this.check(op, widths, () => `${shapes()} do not fit`);
    const positions = isRange(start, start + seqLen, Math.min(cos.rows, sin.rows));
    const places = (): string => `${shapes()} do not fit sequences of ${seqLen} rows from position ${start}`;
    this.check(op, positions && source.rows % seqLen === 0, places);
    return { source, cos, sin };
  }

  /** The arrays of an attention, forward or backward, and how many sequences they hold. */
  attention(
    op: string,
    q: DeviceTensor,
    k: DeviceTensor,
    v: DeviceTensor,
    spec: AttentionSpec,
  ): Record<'queries' | 'keys' | 'values', T> & { sequences: number } {
    const [queries, keys, values] = [this.own(op, q), this.own(op, k), this.own(op, v)];
    const { numHeads, numKvHeads, headDim, seqLen, keyLen, window } = spec;
    const sequences = queries.rows / seqLen;
    const fits = [
      Number.isInteger(sequences) && keyLen >= seqLen,
      numHeads % numKvHeads === 0 && (window === null || window >= 1),
      queries.cols === numHeads * headDim,
      ...[keys, values].map((part) => part.rows === sequences * keyLen && part.cols === numKvHeads * headDim),
    ];
    const shapes = (): string => `q ${shapeOf(queries)}, k ${shapeOf(keys)}, v ${shapeOf(values)}`;
    this.check(op, !fits.includes(false), () => `${shapes()} with ${JSON.stringify(spec)} do not fit`);
    return { queries, keys, values, sequences };
  }

  /** A tile of the head, the rows it scores, and the state it goes on with. */
  nllTile(
    x: DeviceTensor,
    tile: LinearWeight,
    targets: Int32Array,
    state: NllState | null,
  ): { source: T; head: L; before: N | null } {
    const [source, head] = [this.own('nllTile', x), this.ownLinear('nllTile', tile)];
    const shapes = (): string => `x ${shapeOf(source)}, tile ${shapeOfWeight(head)} and ${targets.length} targets`;
    const fits = source.cols === head.inFeatures && targets.length === source.rows;
    this.check('nllTile', fits, () => `${shapes()} do not fit`);
    const before = state === null ? null : this.ownNll('nllTile', state);
    const rows = before?.rows ?? source.rows;
    this.check('nllTile', rows === source.rows, () => `${shapes()} do not fit a state of ${rows} rows`);
    return { source, head, before };
  }

  /** Ids from `least` to `end` − 1, at least one. */
  ids(op: string, ids: Int32Array, end: number, least: number = 0): void {
    this.check(op, ids.length > 0, () => 'there are no ids');
    const wrong = ids.find((id) => id < least || id >= end);
    this.check(op, wrong === undefined, () => `id ${wrong} is not among ${least} … ${end - 1}`);
  }

  /** An array that its user may free: a stored or kept one. */
  free(x: DeviceTensor): T {
    const handle = this.own('free', x);
    const free = !handle.scoped && !handle.isView;
    this.check('free', free, () => 'only a stored or kept array can be freed; its scope frees this one');
    return handle;
  }
}

/** `[3, 64]`, for messages. */
export function shapeOf({ rows, cols }: DeviceTensor): string {
  return `[${rows}, ${cols}]`;
}

function shapeOfWeight({ outFeatures, inFeatures }: LinearWeight): string {
  return `[${outFeatures}, ${inFeatures}]`;
}

/** Whether from … to is a range of whole numbers, not empty, within 0 … length. */
function isRange(from: number, to: number, length: number): boolean {
  return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= length;
}
