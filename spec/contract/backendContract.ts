/**
 * The contract of src/backends/backend.ts as one suite, to be run on every backend. A spec calls
 * it:
 *
 *     backendContract('reference', async () => referenceBackend(), referenceLimits);
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { attentionSuite } from './attentionSuite.ts';
import type { Limits } from './compare.ts';
import { extremesSuite } from './extremesSuite.ts';
import { memorySuite } from './memorySuite.ts';
import { misuseSuite } from './misuseSuite.ts';
import { nllSuite } from './nllSuite.ts';
import { opSuite } from './opSuite.ts';
import { stackSuite } from './stackSuite.ts';
import { statisticsSuite } from './statisticsSuite.ts';

export type { Limits };

/** Limits for backends that compute in f32; measured ones may be stricter. */
export const f32Limits: Limits = { elementwiseNmse: 1e-10, reductionNmse: 1e-9, resultUlps: 8, termUlps: 8 };

/**
 * Limits for f64 accumulation: half an ulp for the one rounding to f32, and nothing lost where
 * terms cancel.
 */
export const referenceLimits: Limits = {
  elementwiseNmse: 1e-14,
  reductionNmse: 1e-14,
  resultUlps: 0.51,
  termUlps: 1e-6,
};

/**
 * @param limits of the ops.
 * @param sumLimits of the statistics, which are f64 sums but on a GPU.
 */
export function backendContract(
  name: string,
  make: () => Promise<Backend>,
  limits: Limits = f32Limits,
  sumLimits: Limits = referenceLimits,
): void {
  describe(`the backend contract: ${name}`, () => {
    let made: Backend | null = null;
    const backend = (): Backend => {
      if (made === null) throw new Error('the backend is made in beforeAll');
      return made;
    };
    beforeAll(async () => {
      made = await make();
    });
    // Every test frees what it made; compared test by test, so that a leak is found where it is.
    let bytesBefore = 0;
    beforeEach(() => {
      bytesBefore = backend().bytesInUse();
    });
    afterEach(() => expect(backend().bytesInUse()).toBe(bytesBefore));
    afterAll(() => made?.dispose());

    it('says what runs', () => {
      expect(backend().description).toContain(backend().name);
      expect(backend().variant).not.toBe('');
      expect(backend().capacityBytes).toBeGreaterThan(0);
      expect(backend().stackBytes).toBeGreaterThanOrEqual(0);
      expect(backend().scratchBytes(512, 64)).toBeGreaterThanOrEqual(backend().scratchBytes(1, 2));
      expect(backend().perplexityNoise).toBeGreaterThan(0);
      expect(backend().bytesInUse()).toBe(0);
    });
    opSuite(backend, limits);
    statisticsSuite(backend, sumLimits);
    attentionSuite(backend);
    nllSuite(backend, limits);
    stackSuite(backend);
    memorySuite(backend);
    extremesSuite(backend);
    misuseSuite(backend, make);
  });
}
