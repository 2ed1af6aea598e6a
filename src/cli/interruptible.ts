/**
 * Long computing without a turn of the event loop, which Ctrl-C ends all the same. A handler of
 * ours is only called between turns; Node itself can break a script off at any place.
 */
import { Script } from 'node:vm';
import type { Backend, DeviceTensor, LinearWeight } from '../backends/backend.ts';
import { signalled } from './interruption.ts';

/** A script takes no arguments, so it finds what to compute here. */
const KEY = '__blockprunerCompute';
const script = new Script(`globalThis.${KEY}()`);

/** What was being computed was broken off, and the process is about to end. */
export class BrokenOff extends Error {}

/**
 * Computes without a pause. Ctrl-C breaks it off: then the process ends, as it does everywhere.
 * @throws BrokenOff where what was computed before is to be kept first.
 */
export function interruptible<T>(compute: () => T): T {
  Object.assign(globalThis, { [KEY]: compute });
  try {
    return script.runInThisContext({ breakOnSigint: true }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
    signalled(130);
    throw new BrokenOff('interrupted');
  }
}

/**
 * Multiplications of one op, from which on it is watched; watching takes up to 0.2 ms. About 0.1 s
 * each.
 */
const LONG: Readonly<Record<string, number>> = { reference: 2 ** 27, simd: 2 ** 31 };

/** Ops that multiply matrices; all others are short beside them. */
const PRODUCTS: ReadonlySet<PropertyKey> = new Set([
  'linear',
  'attention',
  'nllTile',
  'linearBackwardWeight',
  'attentionBackward',
  'gram',
]);

/** The same backend, whose long ops Ctrl-C can end. */
export function interruptibleBackend<B extends Backend>(backend: B): B {
  return watched(backend, LONG[backend.name] ?? Infinity);
}

function watched<T extends object>(target: T, long: number): T {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_, key) {
      const known = methods.get(key);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const method = (...args: unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(value, target, args);
        if (key === 'scope') return watched(call() as object, long);
        return PRODUCTS.has(key) && multiplications(args) >= long ? interruptible(call) : call();
      };
      methods.set(key, method);
      return method;
    },
  });
}

/** Roughly so many, of the first array with the weight or array after it. */
function multiplications(args: readonly unknown[]): number {
  const [x, y = x] = args as [DeviceTensor, (DeviceTensor | LinearWeight)?];
  return x.rows * x.cols * ('outFeatures' in y ? y.outFeatures : Math.max(y.rows, y.cols));
}
