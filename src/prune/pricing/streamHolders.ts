import type { Backend, DeviceTensor } from '../../backends/backend.ts';

/** Counts who holds a stream, and frees it when nobody does any more. */
export class StreamHolders {
  readonly backend: Backend;
  readonly #counts = new Map<DeviceTensor, number>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  hold(stream: DeviceTensor): void {
    this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
  }

  release(stream: DeviceTensor): void {
    const count = this.#counts.get(stream) ?? 0;
    if (count > 1) {
      this.#counts.set(stream, count - 1);
      return;
    }
    this.#counts.delete(stream);
    this.backend.free(stream);
  }
}
