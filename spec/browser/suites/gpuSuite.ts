import { fc } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { gpuBackend } from '../../../src/backends/gpu/gpuBackend.ts';
import { backendContract, f32Limits } from '../../contract/backendContract.ts';

/** The contract on one of gpu.js's modes, and that nothing else ran. */
export function gpuSuite(mode: 'webgpu' | 'webgl2'): void {
  // A software adapter takes its time over every dispatch.
  fc.configureGlobal({ numRuns: 10 });

  const make = async (): Promise<Backend> => {
    const backend = await gpuBackend({ mode });
    expect(backend.mode).toBe(mode);
    return backend;
  };
  backendContract(`gpu (${mode})`, make, f32Limits, f32Limits);

  it('says the mode and the adapter that really ran', async () => {
    const backend = await gpuBackend({ mode });
    expect(backend.mode).toBe(mode);
    const on = backend.adapter === null ? '' : `, ${backend.adapter.name}`;
    expect(backend.description).toBe(`gpu (${mode}${on})`);
    await backend.dispose();
  });
}
