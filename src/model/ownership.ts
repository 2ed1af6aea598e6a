/**
 * Device arrays are not garbage collected: whoever makes one frees it. These two functions are how
 * the model does so, also where something fails on the way.
 */
import type { Backend, DeviceTensor, Scope } from '../backends/backend.ts';

/** Runs `work` in a scope. Everything it made there and did not keep is freed. */
export async function withScope<T, S extends Scope>(
  backend: { scope(): S },
  work: (scope: S) => T | Promise<T>,
): Promise<T> {
  const scope = backend.scope();
  try {
    return await work(scope);
  } finally {
    scope.close();
  }
}

/** Hands x to `use`, and frees it afterwards. */
export async function consume<T>(
  backend: Backend,
  x: DeviceTensor,
  use: (x: DeviceTensor) => T | Promise<T>,
): Promise<T> {
  try {
    return await use(x);
  } finally {
    backend.free(x);
  }
}
