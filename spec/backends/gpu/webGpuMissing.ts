import { gpuBackend } from '../../../src/backends/gpu/gpuBackend.ts';
import { offerWebGpu } from '../../../src/platform/nodeWebGpu.ts';

/** Why webgpu mode cannot run here, in a line; null where it can, on a GPU or in software. */
export async function webGpuMissing(): Promise<string | null> {
  const missing = await offerWebGpu();
  if (missing !== null) return missing;
  try {
    const backend = await gpuBackend({ mode: 'webgpu' });
    await backend.dispose();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
