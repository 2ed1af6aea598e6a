/** gpu.js's `cpu` and `webasm` modes: the same kernels as on a GPU, wherever the tests run. */
import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { gpuBackend } from '../../src/backends/gpu/gpuBackend.ts';
import { backendContract, f32Limits } from './backendContract.ts';

// Every new size compiles a WebAssembly module, and the cpu's loops are slow: a tenth of the usual
// runs.
fc.configureGlobal({ numRuns: 10 });

for (const mode of ['cpu', 'webasm'] as const) {
  backendContract(`gpu (${mode})`, () => gpuBackend({ mode }), f32Limits, f32Limits);

  describe(`gpu (${mode})`, () => {
    it('says the mode that really ran', async () => {
      const backend = await gpuBackend({ mode });
      expect([backend.mode, backend.adapter, backend.description]).toEqual([mode, null, `gpu (${mode})`]);
      await backend.dispose();
    });
  });
}
