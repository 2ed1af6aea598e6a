import type { Backend, DeviceTensor, LinearWeight, Scope } from '../../src/backends/backend.ts';
import type { Oracle } from './oracles.ts';

export interface HostArray {
  data: Float32Array;
  rows: number;
  cols: number;
  /**
   * Rows that belong to one sequence (the unit a row's result may depend on); 0 for a parameter all
   * share.
   */
  unitRows: number;
}

export interface HostLinear {
  weight: Float32Array;
  bias: Float32Array | null;
  outFeatures: number;
  inFeatures: number;
}

/** One op on one input: what the contract suite checks, and what a bench can time. */
export interface OpCase {
  /** Op, shapes and flavour: `linear [3, 65] · [7, 65]ᵀ + bias, outliers`. */
  name: string;
  kind: 'copy' | 'elementwise' | 'reduction';
  /**
   * Results do not vanish against their terms, so that the normalised mean squared error is
   * meaningful in f32.
   */
  wellConditioned: boolean;
  arrays: HostArray[];
  linears: HostLinear[];
  run: (scope: Scope, arrays: DeviceTensor[], linears: LinearWeight[]) => DeviceTensor;
  oracle: () => Oracle;
}

/** A case's inputs on a backend. */
export interface PreparedCase {
  arrays: DeviceTensor[];
  linears: LinearWeight[];
  free: () => void;
}

export function prepareCase(backend: Backend, { arrays, linears }: OpCase): PreparedCase {
  const stored = arrays.map(({ data, rows, cols }) => backend.store(data, rows, cols));
  const packed = linears.map((w) => backend.packLinear(w.weight, w.outFeatures, w.inFeatures, w.bias));
  return {
    arrays: stored,
    linears: packed,
    free: () => {
      for (const array of stored) backend.free(array);
      for (const linear of packed) backend.freeLinear(linear);
    },
  };
}

/**
 * Runs a case once, with `pick` choosing what of each input the op sees; the result on the host.
 */
export async function runCase(
  backend: Backend,
  opCase: OpCase,
  prepared: PreparedCase,
  pick: (scope: Scope, array: DeviceTensor, host: HostArray) => DeviceTensor = (_, array) => array,
): Promise<Float32Array> {
  const scope = backend.scope();
  try {
    const seen = prepared.arrays.map((array, index) => pick(scope, array, opCase.arrays[index]));
    return await backend.download(opCase.run(scope, seen, prepared.linears));
  } finally {
    scope.close();
  }
}
