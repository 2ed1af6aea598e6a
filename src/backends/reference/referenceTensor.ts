import { ShapeError } from '../../errors.ts';
import type { Floats } from '../../ops/floats.ts';
import type { NllSums } from '../../ops/nll.ts';
import type { DeviceTensor, LinearWeight, NllState } from '../backend.ts';

/** A device array of the reference backend: its numbers and who owns them. */
export class ReferenceTensor implements DeviceTensor {
  readonly rows: number;
  readonly cols: number;
  readonly data: Floats;
  /** The handle whose memory this is: itself, or what it is a view of. */
  readonly owner: ReferenceTensor;
  /** A scope will free this handle when it closes. */
  scoped = false;
  /** Set when this handle was freed or its scope closed. */
  freed = false;

  constructor(rows: number, cols: number, data: Floats, owner: ReferenceTensor | null) {
    this.rows = rows;
    this.cols = cols;
    this.data = data;
    this.owner = owner ?? this;
  }

  get isView(): boolean {
    return this.owner !== this;
  }
}

export class ReferenceLinear implements LinearWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly weight: Floats;
  readonly bias: Floats | null;
  readonly bytes: number;
  freed = false;

  constructor(outFeatures: number, inFeatures: number, weight: Floats, bias: Floats | null) {
    this.outFeatures = outFeatures;
    this.inFeatures = inFeatures;
    this.weight = weight;
    this.bias = bias;
    this.bytes = weight.byteLength + (bias?.byteLength ?? 0);
  }
}

/** Three f64. */
export const NLL_ROW_BYTES = 24;

export class ReferenceNll implements NllState {
  readonly rows: number;
  readonly sums: NllSums;
  /** Set when a later tile took the sums over, or they were finished. */
  ended = false;

  constructor(rows: number, sums: NllSums) {
    this.rows = rows;
    this.sums = sums;
  }

  get bytes(): number {
    return this.rows * NLL_ROW_BYTES;
  }
}

/**
 * The reference handle behind a contract handle. @throws ShapeError for another backend's or a dead
 * handle.
 */
export function own(op: string, x: DeviceTensor): ReferenceTensor {
  check(op, x instanceof ReferenceTensor, 'the array belongs to another backend');
  check(op, !x.freed && !x.owner.freed, `the array ${shapeOf(x)} was freed, or its scope closed`);
  return x;
}

/** @throws ShapeError for another backend's weight or a freed one. */
export function ownLinear(op: string, weight: LinearWeight): ReferenceLinear {
  check(op, weight instanceof ReferenceLinear, 'the weight belongs to another backend');
  check(op, !weight.freed, `the weight [${weight.outFeatures}, ${weight.inFeatures}] was freed`);
  return weight;
}

/** @throws ShapeError for another backend's state, or one that was passed on or finished. */
export function ownNll(op: string, state: NllState): ReferenceNll {
  check(op, state instanceof ReferenceNll, 'the log-sum-exp state belongs to another backend');
  check(op, !state.ended, 'the log-sum-exp state was passed on or finished before');
  return state;
}

/** `[3, 64]`, for messages. */
export function shapeOf(x: DeviceTensor): string {
  return `[${x.rows}, ${x.cols}]`;
}

/** @throws ShapeError `reference <op>: <message>.` unless `fits`. */
export function check(op: string, fits: boolean, message: string): asserts fits {
  if (!fits) throw new ShapeError(`${message}.`, { where: `reference ${op}` });
}

/** @throws ShapeError unless rows and cols are whole, positive and make up `length` elements. */
export function checkSize(op: string, rows: number, cols: number, length: number): void {
  const whole = Number.isInteger(rows) && Number.isInteger(cols) && rows > 0 && cols > 0;
  check(op, whole && rows * cols === length, `${length} elements are not [${rows}, ${cols}]`);
}
