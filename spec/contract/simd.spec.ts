import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { compileKernels, type KernelVariant } from '../../src/backends/simd/kernels.ts';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { backendContract } from './backendContract.ts';
import { tallCases } from './caseTable.ts';
import { prepareCase, runCase } from './opCase.ts';

const make = (variant: KernelVariant, threads: number): Promise<Backend> =>
  simdBackend({ memoryBytes: 64 * 2 ** 20, threads, spawn: nodeSpawnWorker, variant });

for (const variant of ['relaxed-fma', 'plain'] as const) {
  const missing = compileKernels(variant) === null;
  describe.skipIf(missing)(`simd ${variant}${missing ? ' (this engine does not know its instructions)' : ''}`, () => {
    for (const threads of [1, 2]) backendContract(`${threads} threads`, () => make(variant, threads));

    describe('one thread and more give the same bits', () => {
      const backends: Backend[] = [];
      beforeAll(async () => {
        for (const threads of [1, 2, 3]) backends.push(await make(variant, threads));
      });
      afterAll(async () => {
        for (const backend of backends) await backend.dispose();
      });

      test.each(tallCases.map((opCase) => ({ name: opCase.name, opCase })))('$name', async ({ opCase }) => {
        const results = [];
        for (const backend of backends) {
          const prepared = prepareCase(backend, opCase);
          results.push(await runCase(backend, opCase, prepared));
          prepared.free();
        }
        const [one, two, three] = results;
        expect(two).toEqual(one);
        expect(three).toEqual(one);
      });
    });
  });
}
