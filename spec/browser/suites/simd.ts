/**
 * In a cross-origin isolated page: both kernel variants, one and two threads over shared memory.
 */
import { describe, expect, it } from 'vitest';
import type { KernelVariant } from '../../../src/backends/simd/kernels.ts';
import { simdBackend } from '../../../src/backends/simd/simdBackend.ts';
import { webSpawnWorker } from '../../../src/web/webThreads.ts';
import type { Backend } from '../../../src/backends/backend.ts';
import { backendContract } from '../../contract/backendContract.ts';
import { tallCases } from '../../contract/caseTable.ts';
import { expectSameBits } from '../../contract/compare.ts';
import { prepareCase, runCase } from '../../contract/opCase.ts';

const make = (variant: KernelVariant, threads: number): Promise<Backend> =>
  simdBackend({ memoryBytes: 64 * 2 ** 20, threads, spawn: webSpawnWorker, variant });

describe.each(['relaxed-fma', 'plain'] as const)('simd %s', (variant) => {
  for (const threads of [1, 2]) backendContract(`${threads} threads`, () => make(variant, threads));

  it('says the threads that really run', async () => {
    const backend = await make(variant, 2);
    expect(backend.description).toBe(`simd (${variant}, 4 lanes, 2 threads)`);
    await backend.dispose();
  });

  it.each(tallCases.map((opCase) => ({ name: opCase.name, opCase })))(
    'two threads give the bits of one: $name',
    async ({ opCase }) => {
      const results: Float32Array[] = [];
      for (const threads of [1, 2]) {
        const backend = await make(variant, threads);
        const prepared = prepareCase(backend, opCase);
        results.push(await runCase(backend, opCase, prepared));
        prepared.free();
        await backend.dispose();
      }
      expectSameBits(results[1], results[0]);
    },
  );
});

it('memory is shared', () => expect(crossOriginIsolated).toBe(true));
