import { ShapeError } from '../../errors.ts';
import type { DeviceTensor, LinearWeight, NllState } from '../backend.ts';
import type { Allocation } from './arena.ts';

/** A device array of the SIMD backend: an address in the WebAssembly memory. */
export class SimdTensor implements DeviceTensor {
  readonly rows: number;
  readonly cols: number;
  readonly offset: number;
  /** The piece of the arena this handle owns; null for a view. */
  readonly allocation: Allocation | null;
  /** The handle whose memory this is: itself, or what it is a view of. */
  readonly owner: SimdTensor;
  /** A scope will free this handle when it closes. */
  scoped = false;
  freed = false;

  constructor(rows: number, cols: number, offset: number, allocation: Allocation | null, owner: SimdTensor | null) {
    this.rows = rows;
    this.cols = cols;
    this.offset = offset;
    this.allocation = allocation;
    this.owner = owner ?? this;
  }
}

export class SimdLinear implements LinearWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly bytes: number;
  readonly panels: Allocation;
  readonly bias: Allocation | null;
  freed = false;

  constructor(outFeatures: number, inFeatures: number, panels: Allocation, bias: Allocation | null) {
    this.outFeatures = outFeatures;
    this.inFeatures = inFeatures;
    this.panels = panels;
    this.bias = bias;
    this.bytes = panels.bytes + (bias?.bytes ?? 0);
  }
}

export class SimdNll implements NllState {
  readonly rows: number;
  readonly state: Allocation;
  ended = false;

  constructor(rows: number, state: Allocation) {
    this.rows = rows;
    this.state = state;
  }
}

/**
 * The SIMD handle behind a contract handle. @throws ShapeError for another backend's or a freed
 * handle.
 */
export function own(x: DeviceTensor, op: string): SimdTensor {
  if (!(x instanceof SimdTensor))
    throw new ShapeError('the array belongs to another backend.', { where: `simd ${op}` });
  if (x.freed || x.owner.freed) {
    throw new ShapeError('the array was freed, or its scope closed.', { where: `simd ${op}` });
  }
  return x;
}

export function ownLinear(weight: LinearWeight, op: string): SimdLinear {
  if (!(weight instanceof SimdLinear)) {
    throw new ShapeError('the weight belongs to another backend.', { where: `simd ${op}` });
  }
  if (weight.freed) throw new ShapeError('the weight was freed.', { where: `simd ${op}` });
  return weight;
}

/** @throws ShapeError naming op and both sizes unless they agree. */
export function expectSize(op: string, what: string, found: number, expected: number): void {
  if (found !== expected) throw new ShapeError(`${what} is ${found}, expected ${expected}.`, { where: `simd ${op}` });
}

/** Whether from … to is a range of whole numbers, not empty, within 0 … length. */
export function isRange(from: number, to: number, length: number): boolean {
  return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= length;
}
