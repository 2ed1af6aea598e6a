import type { Backend } from '../../src/backends/backend.ts';

/** Calls that only give back, hand over or tell; all others are ops, which may fail. */
const quiet = /^(?:scope|keep|close|free|freeLinear|finishNll|bytesInUse|dispose)$/;

/** The same backend, with every op of it and of its scopes reported first; `onOp` may throw. */
export function watchOps(backend: Backend, onOp: (op: string) => void): Backend {
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (!quiet.test(String(key))) onOp(String(key));
          const result: unknown = Reflect.apply(value, target, args);
          return key === 'scope' ? watch(result as object) : result;
        };
      },
    });
  return watch(backend);
}
