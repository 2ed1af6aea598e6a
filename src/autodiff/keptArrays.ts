import type { DeviceTensor } from '../backends/backend.ts';
import type { Floats, GradientBackend, GradientScope } from '../backends/gradients.ts';
import { withScope } from '../model/ownership.ts';

/**
 * Arrays that outlive the scopes they are made in. What is still there at the end is freed by
 * `freeAll`.
 */
export class KeptArrays {
  readonly backend: GradientBackend;
  readonly #kept = new Set<DeviceTensor>();

  constructor(backend: GradientBackend) {
    this.backend = backend;
  }

  /** Makes an array in a scope of its own, which is closed, and keeps it. */
  make(build: (scope: GradientScope) => DeviceTensor | Promise<DeviceTensor>): Promise<DeviceTensor> {
    return withScope(this.backend, async (scope) => {
      const x = scope.keep(await build(scope));
      this.#kept.add(x);
      return x;
    });
  }

  free(x: DeviceTensor): void {
    this.#kept.delete(x);
    this.backend.free(x);
  }

  freeAll(): void {
    for (const x of this.#kept) this.free(x);
  }

  /** On the host, in the precision the backend computes in. */
  async download(x: DeviceTensor): Promise<Floats> {
    return this.backend.read?.(x) ?? this.backend.download(x);
  }
}
