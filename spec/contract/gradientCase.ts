import { expect } from 'vitest';
import type { DeviceTensor } from '../../src/backends/backend.ts';
import type { GradientBackend, GradientScope } from '../../src/backends/gradients.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { expectSameBits, worstError, type Limits } from './compare.ts';
import type { HostArray } from './opCase.ts';
import type { Oracle } from './oracles.ts';

/** One backward on one input. */
export interface GradientCase {
  /** Op, shapes and flavour. */
  name: string;
  arrays: HostArray[];
  /** One for each row of the first array, where the op takes ids or targets. */
  ids?: Int32Array;
  /** The derivatives with respect to `inputs`, in their order, then what else the op gives. */
  run: (scope: GradientScope, arrays: DeviceTensor[], ids: Int32Array) => DeviceTensor[];
  /** For each result how many of its rows belong to one sequence, 0 where it sums over all. */
  unitRows: number[];
  oracle: () => Oracle[];
  /** The scalar loss, in f64, whose derivatives they are, by the forward of src/ops. */
  loss: (inputs: Float64Array[]) => number;
  inputs: Float32Array[];
}

/**
 * Runs a case, or its sequences from … to − 1 alone; the results on the host. Checks that the
 * inputs stay as they are.
 */
export async function runGradientCase(
  backend: GradientBackend,
  gradientCase: GradientCase,
  part: { from: number; to: number } | null = null,
): Promise<Float32Array[]> {
  const scope = backend.scope();
  try {
    const hosts = gradientCase.arrays.map((array) => (part === null ? array : sliceOf(array, part.from, part.to)));
    const arrays = hosts.map(({ data, rows, cols }) => scope.upload(data, rows, cols));
    const ids = gradientCase.ids ?? new Int32Array(0);
    const { unitRows } = gradientCase.arrays[0];
    const someIds = part === null ? ids : ids.slice(part.from * unitRows, part.to * unitRows);
    const results = gradientCase.run(scope, arrays, someIds);
    const found = [];
    for (const result of results) found.push(await backend.download(result));
    for (const [index, array] of arrays.entries()) expectSameBits(await backend.download(array), hosts[index].data);
    return found;
  } finally {
    scope.close();
  }
}

function sliceOf({ data, rows, cols, unitRows }: HostArray, from: number, to: number): HostArray {
  if (unitRows === 0) return { data, rows, cols, unitRows };
  const [first, end] = [from * unitRows, to * unitRows];
  return { data: data.slice(first * cols, end * cols), rows: end - first, cols, unitRows };
}

/** Every result is within the limits of its oracle. */
export async function expectOracles(backend: GradientBackend, some: GradientCase, limits: Limits): Promise<void> {
  const found = await runGradientCase(backend, some);
  for (const [index, oracle] of some.oracle().entries()) {
    expect(found[index], `${some.name}: result ${index}`).toHaveLength(oracle.values.length);
    expect(worstError(found[index], oracle, limits), `${some.name}: result ${index}`).toBeLessThanOrEqual(1);
  }
}

/** Steps of the differences, along directions of unit normals. */
const STEP = 1e-3;
/** What the differences themselves may be off, relative to the terms. */
const DIFFERENCE_ERROR = 1e-7;

/**
 * Along a direction drawn for each input, the loss changes as the derivative with respect to that
 * input says.
 */
export async function expectDifferences(
  backend: GradientBackend,
  some: GradientCase,
  limits: Limits,
  seed: number,
): Promise<void> {
  const found = await runGradientCase(backend, some);
  const oracles = some.oracle();
  // Not the numbers the inputs are drawn from: along x itself, a norm does not change.
  const rng = seededRng(seed).fork('direction');
  const inputs = some.inputs.map((input) => Float64Array.from(input));
  for (const [which, input] of inputs.entries()) {
    const direction = Float64Array.from(input, () => rng.normal());
    const lossAt = (step: number): number => {
      const moved = input.map((value, i) => value + step * direction[i]);
      return some.loss(inputs.with(which, moved));
    };
    // The four-point formula: what is left is of the step's fourth power.
    const near = lossAt(STEP) - lossAt(-STEP);
    const far = lossAt(2 * STEP) - lossAt(-2 * STEP);
    const expected = (8 * near - far) / (12 * STEP);
    const { values, terms } = oracles[which];
    let [along, allowed] = [0, 1e-9];
    for (const [i, u] of direction.entries()) {
      along += found[which][i] * u;
      const rounding = 2 ** -23 * (limits.resultUlps * Math.abs(values[i]) + limits.termUlps * terms[i]);
      allowed += Math.abs(u) * (rounding + DIFFERENCE_ERROR * terms[i]);
    }
    expect(Math.abs(along - expected), `${some.name}: derivative ${which} along a direction`).toBeLessThanOrEqual(
      allowed,
    );
  }
}

/** What belongs to a sequence has the same bits when others are not there. */
export async function expectUnitsAlone(backend: GradientBackend, some: GradientCase, seed: number): Promise<void> {
  const [{ rows, unitRows }] = some.arrays;
  if (unitRows === 0) return;
  const units = rows / unitRows;
  const from = seed % units;
  const to = from + 1 + (Math.floor(seed / units) % (units - from));
  const all = await runGradientCase(backend, some);
  const alone = await runGradientCase(backend, some, { from, to });
  for (const [index, result] of alone.entries()) {
    if (some.unitRows[index] === 0) continue;
    const perUnit = all[index].length / units;
    expectSameBits(result, all[index].slice(from * perUnit, to * perUnit));
  }
}
