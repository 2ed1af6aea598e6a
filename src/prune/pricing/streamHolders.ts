import type { Backend, DeviceTensor, Scope } from '../../backends/backend.ts';

/** What a sweep does with streams beside passing them through blocks: stack, view and free them. */
export interface StreamBackend extends Pick<Backend, 'free' | 'stackBytes'> {
  scope(): StreamScope;
}

export type StreamScope = Pick<Scope, 'stack' | 'view' | 'keep' | 'close'>;

/** Counts who holds a stream, and frees it when nobody does any more. */
export class StreamHolders {
  readonly backend: StreamBackend;
  readonly #counts = new Map<DeviceTensor, number>();

  constructor(backend: StreamBackend) {
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
