import type { Floats } from '../../ops/floats.ts';
import { Running } from '../running.ts';
import { ReferenceTensor } from './referenceTensor.ts';

/**
 * What the arrays of a reference backend hold: f32 as every backend does, or f64 to check gradients
 * by differences.
 */
export type ReferencePrecision = 'f32' | 'f64';

/**
 * Makes and releases the arrays of one reference backend, and counts the bytes that live handles
 * hold.
 */
export class ReferenceMemory {
  readonly precision: ReferencePrecision;
  readonly running: Running = new Running('reference');
  bytes = 0;

  constructor(precision: ReferencePrecision) {
    this.precision = precision;
  }

  /** @throws DisposedError after the backend was disposed. */
  make(rows: number, cols: number): ReferenceTensor {
    this.running.expect();
    const data: Floats = this.precision === 'f32' ? new Float32Array(rows * cols) : new Float64Array(rows * cols);
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
