import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Backend, DeviceTensor } from '../../src/backends/backend.ts';
import { drawnCases, namedCases } from './caseTable.ts';
import { expectSameBits, normalisedError, worstError, type Limits } from './compare.ts';
import { prepareCase, runCase, type OpCase } from './opCase.ts';

/**
 * Every op on every case: right, blind to what is stacked around a row, and leaving its inputs
 * alone.
 */
export function opSuite(backend: () => Backend, limits: Limits): void {
  caseSuite(backend, limits, namedCases, drawnCases);
}

/** The same of any cases. */
export function caseSuite(
  backend: () => Backend,
  limits: Limits,
  named: readonly OpCase[],
  drawn: Readonly<Record<string, fc.Arbitrary<OpCase>>>,
): void {
  describe('named cases', () => {
    test.each(named.map((opCase) => ({ name: opCase.name, opCase })))('$name', ({ opCase }) =>
      expectRight(backend(), opCase, limits),
    );
  });

  describe.each(Object.entries(drawn))('%s', (_, someCase) => {
    test.prop([someCase])('agrees with the f64 oracle', (opCase) => expectRight(backend(), opCase, limits));

    test.prop([someCase, fc.nat(), fc.nat()])(
      "a sequence's rows are bit-equal however many are stacked around them",
      (opCase, first, count) => expectRowsAlone(backend(), opCase, first, count),
    );

    test.prop([someCase])('does not change its inputs', (opCase) => expectInputsKept(backend(), opCase));
  });
}

async function expectRight(backend: Backend, opCase: OpCase, limits: Limits): Promise<void> {
  const prepared = prepareCase(backend, opCase);
  try {
    const found = await runCase(backend, opCase, prepared);
    const oracle = opCase.oracle();
    expect(found).toHaveLength(oracle.values.length);
    if (opCase.kind === 'copy') {
      expectSameBits(found, Float32Array.from(oracle.values));
      return;
    }
    expect(worstError(found, oracle, limits), `${opCase.name}: worst error`).toBeLessThanOrEqual(1);
    if (!opCase.wellConditioned) return;
    const limit = opCase.kind === 'elementwise' ? limits.elementwiseNmse : limits.reductionNmse;
    expect(normalisedError(found, oracle.values), `${opCase.name}: NMSE`).toBeLessThanOrEqual(limit);
  } finally {
    prepared.free();
  }
}

/** Runs the op on some of the case's sequences, as views into the same arrays. */
async function expectRowsAlone(backend: Backend, opCase: OpCase, first: number, count: number): Promise<void> {
  const [{ rows, unitRows }] = opCase.arrays;
  const units = rows / unitRows;
  const from = first % units;
  const to = from + 1 + (count % (units - from));
  const prepared = prepareCase(backend, opCase);
  try {
    const stacked = await runCase(backend, opCase, prepared);
    const alone = await runCase(backend, opCase, prepared, (scope, array, host): DeviceTensor => {
      return host.unitRows === 0 ? array : scope.view(array, from * host.unitRows, to * host.unitRows);
    });
    const perUnit = stacked.length / units;
    expectSameBits(alone, stacked.slice(from * perUnit, to * perUnit));
  } finally {
    prepared.free();
  }
}

async function expectInputsKept(backend: Backend, opCase: OpCase): Promise<void> {
  const prepared = prepareCase(backend, opCase);
  try {
    const before = await runCase(backend, opCase, prepared);
    for (const [index, array] of prepared.arrays.entries()) {
      expectSameBits(await backend.download(array), opCase.arrays[index].data);
    }
    // A packed weight cannot be read back: that it is as it was shows in the same result.
    expectSameBits(await runCase(backend, opCase, prepared), before);
  } finally {
    prepared.free();
  }
}
