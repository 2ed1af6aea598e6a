import { Handle, LinearHandle } from '../handles.ts';
import type { GpuBuffer } from './gpuDevice.ts';

/** A device array of the GPU backend: a buffer and where in it the array starts. */
export class GpuTensor extends Handle {
  declare readonly owner: GpuTensor;
  /** Elements before the first one. */
  readonly at: number;
  /** The owner's memory. `writeRows` puts another buffer here, which views then see. */
  #buffer: GpuBuffer | null;

  constructor(rows: number, cols: number, memory: GpuBuffer | { owner: GpuTensor; at: number }) {
    super(rows, cols, 'owner' in memory ? memory.owner : null);
    this.at = 'owner' in memory ? memory.at : 0;
    this.#buffer = 'owner' in memory ? null : memory;
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

export class GpuLinear extends LinearHandle {
  /** Wᵀ and, in its last row, the bias: [inFeatures + 1, outFeatures]. */
  readonly packed: GpuBuffer;

  constructor(outFeatures: number, inFeatures: number, packed: GpuBuffer) {
    super(outFeatures, inFeatures);
    this.packed = packed;
  }

  get bytes(): number {
    return this.packed.bytes;
  }
}
