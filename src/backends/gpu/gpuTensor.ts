import { ShapeError } from '../../errors.ts';
import type { DeviceTensor, LinearWeight, NllState } from '../backend.ts';
import type { GpuBuffer } from './gpuDevice.ts';

/** A device array of the GPU backend: a buffer and where in it the array starts. */
export class GpuTensor implements DeviceTensor {
  readonly rows: number;
  readonly cols: number;
  /** Elements before the first one. */
  readonly at: number;
  /** The handle whose memory this is: itself, or what it is a view of. */
  readonly owner: GpuTensor;
  /** A scope will free this handle when it closes. */
  scoped = false;
  freed = false;
  /** The owner's memory. `writeRows` puts another buffer here, which views then see. */
  #buffer: GpuBuffer | null;

  constructor(rows: number, cols: number, memory: GpuBuffer | { owner: GpuTensor; at: number }) {
    this.rows = rows;
    this.cols = cols;
    this.owner = 'owner' in memory ? memory.owner : this;
    this.at = 'owner' in memory ? memory.at : 0;
    this.#buffer = 'owner' in memory ? null : memory;
  }

  get length(): number {
    return this.rows * this.cols;
  }

  get isView(): boolean {
    return this.owner !== this;
  }

  get buffer(): GpuBuffer {
    const { owner } = this;
    if (owner.#buffer === null) throw new Error('gpu: a view of a view has its root as owner');
    return owner.#buffer;
  }

  /**
   * Swaps the memory behind this handle, which owns its memory, and behind all views of it; returns
   * the old one.
   */
  replace(buffer: GpuBuffer): GpuBuffer {
    const before = this.buffer;
    this.#buffer = buffer;
    return before;
  }
}

export class GpuLinear implements LinearWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** Wᵀ and, in its last row, the bias: [inFeatures + 1, outFeatures]. */
  readonly packed: GpuBuffer;
  freed = false;

  constructor(outFeatures: number, inFeatures: number, packed: GpuBuffer) {
    this.outFeatures = outFeatures;
    this.inFeatures = inFeatures;
    this.packed = packed;
  }

  get bytes(): number {
    return this.packed.bytes;
  }
}

/**
 * The GPU handle behind a contract handle. @throws ShapeError for another backend's or a dead
 * handle.
 */
export function own(op: string, x: DeviceTensor): GpuTensor {
  check(op, x instanceof GpuTensor, 'the array belongs to another backend');
  check(op, !x.freed && !x.owner.freed, `the array ${shapeOf(x)} was freed, or its scope closed`);
  return x;
}

/** @throws ShapeError for another backend's weight or a freed one. */
export function ownLinear(op: string, weight: LinearWeight): GpuLinear {
  check(op, weight instanceof GpuLinear, 'the weight belongs to another backend');
  check(op, !weight.freed, `the weight [${weight.outFeatures}, ${weight.inFeatures}] was freed`);
  return weight;
}

/** `[3, 64]`, for messages. */
export function shapeOf(x: DeviceTensor | NllState): string {
  return 'cols' in x ? `[${x.rows}, ${x.cols}]` : `${x.rows} rows`;
}

/** @throws ShapeError `gpu <op>: <message>.` unless `fits`. */
export function check(op: string, fits: boolean, message: string): asserts fits {
  if (!fits) throw new ShapeError(`${message}.`, { where: `gpu ${op}` });
}

/** @throws ShapeError unless rows and cols are whole, positive and make up `length` elements. */
export function checkSize(op: string, rows: number, cols: number, length: number): void {
  const whole = Number.isInteger(rows) && Number.isInteger(cols) && rows > 0 && cols > 0;
  check(op, whole && rows * cols === length, `${length} elements are not [${rows}, ${cols}]`);
}

/** Whether from … to is a range of whole numbers, not empty, within 0 … length. */
export function isRange(from: number, to: number, length: number): boolean {
  return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= length;
}
