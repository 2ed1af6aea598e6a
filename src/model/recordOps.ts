import type { DeviceTensor, Ops, Scope } from '../backends/backend.ts';

/** What an op of a scope computed. */
export interface RecordedOp {
  op: string;
  result: DeviceTensor;
  /** What it was called with: tensors, weights, settings. */
  inputs: readonly unknown[];
}

/** Ops that compute. The others share or hand out what is there already. */
const computing: ReadonlySet<string> = new Set<keyof Ops>([
  'rmsNorm',
  'layerNorm',
  'linear',
  'rope',
  'attention',
  'swiglu',
  'gelu',
  'add',
]);

/**
 * A scope that also writes down, in order, what its ops compute. Results are valid until the scope
 * is closed.
 */
export function recordOps(scope: Scope): { scope: Scope; ops: readonly RecordedOp[] } {
  const ops: RecordedOp[] = [];
  const recording = new Proxy(scope, {
    get(target, name) {
      const op: unknown = Reflect.get(target, name, target);
      if (typeof op !== 'function') return op;
      return (...inputs: unknown[]): unknown => {
        const result: unknown = Reflect.apply(op, target, inputs);
        if (typeof name === 'string' && computing.has(name)) {
          ops.push({ op: name, result: result as DeviceTensor, inputs });
        }
        return result;
      };
    },
  });
  return { scope: recording, ops };
}
