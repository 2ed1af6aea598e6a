import type { Backend } from '../../../src/backends/backend.ts';

/** The same backend, which asks for bundles of that size. */
export function stacking(backend: Backend, stackBytes: number): Backend {
  return new Proxy(backend, {
    get(target, key) {
      if (key === 'stackBytes') return stackBytes;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value;
    },
  });
}
