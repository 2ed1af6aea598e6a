import type { Backend } from '../backends/backend.ts';

/**
 * The same backend, whose every new scope first looks whether anybody still waits: a call is then
 * given up between any two blocks, wherever it is.
 */
export function abortableBackend<B extends Backend>(backend: B, check: () => void): B {
  const scope = (): ReturnType<Backend['scope']> => {
    check();
    return backend.scope();
  };
  const methods = new Map<PropertyKey, unknown>([['scope', scope]]);
  return new Proxy(backend, {
    get(_, key) {
      const known = methods.get(key);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(backend, key, backend);
      if (typeof value !== 'function') return value;
      const method: unknown = value.bind(backend);
      methods.set(key, method);
      return method;
    },
  });
}
