import type { AttentionSpec, DeviceTensor, LinearWeight, Ops } from '../backends/backend.ts';

/**
 * Ops on shapes alone. Nothing is computed; what a scope would hold is added up: every result until
 * the scope is closed, and arrays that share memory once.
 */
export class CountingOps implements Ops {
  /** Numbers in all results. */
  elements = 0;
  /** Numbers in the largest result. */
  largest = 0;

  rmsNorm(x: DeviceTensor): DeviceTensor {
    return this.#made(x.rows, x.cols);
  }

  layerNorm(x: DeviceTensor): DeviceTensor {
    return this.#made(x.rows, x.cols);
  }

  linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    return this.#made(x.rows, weight.outFeatures);
  }

  rope(x: DeviceTensor): DeviceTensor {
    return this.#made(x.rows, x.cols);
  }

  attention(q: DeviceTensor, _k: DeviceTensor, _v: DeviceTensor, _spec: AttentionSpec): DeviceTensor {
    return this.#made(q.rows, q.cols);
  }

  swiglu(gate: DeviceTensor): DeviceTensor {
    return this.#made(gate.rows, gate.cols);
  }

  gelu(x: DeviceTensor): DeviceTensor {
    return this.#made(x.rows, x.cols);
  }

  add(x: DeviceTensor): DeviceTensor {
    return this.#made(x.rows, x.cols);
  }

  columns(x: DeviceTensor, from: number, to: number): DeviceTensor {
    return this.#made(x.rows, to - from);
  }

  stack(parts: readonly DeviceTensor[]): DeviceTensor {
    return this.#made(
      parts.reduce((rows, part) => rows + part.rows, 0),
      parts[0].cols,
    );
  }

  reshape(_x: DeviceTensor, rows: number, cols: number): DeviceTensor {
    return { rows, cols };
  }

  #made(rows: number, cols: number): DeviceTensor {
    this.elements += rows * cols;
    this.largest = Math.max(this.largest, rows * cols);
    return { rows, cols };
  }
}
