import { UnsupportedBackendError } from '../../errors.ts';
import { gpuBackend, type GpuBackend } from './gpuBackend.ts';
import { probedModes, type GpuMode } from './gpuMode.ts';
import { gpuPath } from './gpuPath.ts';

/**
 * Opens the GPU backend in the mode asked for, else in the first that has a GPU. Software adapters
 * and the modes that run on the processor are never chosen, since they are no GPU: they have to be
 * asked for.
 * @param offerWebGpu puts navigator.gpu where gpu.js looks for it; null where that is the
 * platform's own business.
 * @throws UnsupportedBackendError where there is none, with what is missing of each.
 */
export async function selectGpu(
  mode: GpuMode | undefined,
  memoryBytes: number,
  offerWebGpu: (() => Promise<string | null>) | null,
): Promise<GpuBackend> {
  const noWebGpu = offerWebGpu === null ? null : await offerWebGpu();
  if (mode !== undefined) {
    if (mode === 'webgpu' && noWebGpu !== null) {
      throw new UnsupportedBackendError(`${noWebGpu}.`, { where: '--gpu-mode webgpu' });
    }
    return gpuBackend({ mode, memoryBytes });
  }
  const reasons: string[] = [];
  for (const probed of probedModes) {
    const { adapter, missing } = await gpuPath(probed);
    if (missing === null && adapter?.software !== true) return gpuBackend({ mode: probed, memoryBytes });
    if (probed === 'webgpu' && noWebGpu !== null) reasons.push(`webgpu: ${noWebGpu}.`);
    else if (adapter !== null) reasons.push(`${probed}: only ${adapter.name}, which --gpu-mode ${probed} runs on.`);
    else reasons.push((missing ?? '').replace(/^--gpu-mode /, ''));
  }
  throw new UnsupportedBackendError(`there is no GPU here. ${[...new Set(reasons)].join(' ')}`, {
    where: '--backend gpu',
    remedy: 'Or use --backend simd.',
  });
}
