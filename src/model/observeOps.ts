import type { DeviceTensor, Ops } from '../backends/backend.ts';

/** One call of an op. */
export interface ObservedOp {
  readonly op: keyof Ops;
  readonly result: DeviceTensor;
  /** What it was called with: arrays, weights, settings. */
  readonly inputs: readonly unknown[];
}

/** The same ops, each of whose calls is shown to `see` once it is made. Changes no result. */
export function observeOps(ops: Ops, see: (call: ObservedOp) => void): Ops {
  return new Proxy(ops, {
    get(target, name) {
      const op: unknown = Reflect.get(target, name, target);
      if (typeof op !== 'function') return op;
      return (...inputs: unknown[]): unknown => {
        const result: unknown = Reflect.apply(op, target, inputs);
        see({ op: name as keyof Ops, result: result as DeviceTensor, inputs });
        return result;
      };
    },
  });
}
