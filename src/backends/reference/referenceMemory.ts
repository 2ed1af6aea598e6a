import { ReferenceTensor } from './referenceTensor.ts';

/** Makes and releases the arrays of one reference backend, and counts the bytes that live handles hold. */
export class ReferenceMemory {
  bytes = 0;

  make(rows: number, cols: number): ReferenceTensor {
    const data = new Float32Array(rows * cols);
    this.bytes += data.byteLength;
    return new ReferenceTensor(rows, cols, data, null);
  }

  /** `rows · cols` elements of `source` from element `at` on, shared. */
  view(source: ReferenceTensor, at: number, rows: number, cols: number): ReferenceTensor {
    return new ReferenceTensor(rows, cols, source.data.subarray(at, at + rows * cols), source.owner);
  }

  /** Marks a handle dead; a view holds no bytes of its own. */
  release(handle: ReferenceTensor): void {
    handle.freed = true;
    if (!handle.isView) this.bytes -= handle.data.byteLength;
  }
}
