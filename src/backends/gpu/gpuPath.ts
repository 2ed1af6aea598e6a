import { UnsupportedBackendError } from '../../errors.ts';
import { INSTALL_GPU, loadGpuJs, type GpuJs } from './gpuJs.ts';
import type { GpuMode } from './gpuMode.ts';
import { webGlAdapter } from './webGl.ts';
import { acquireDevice, nameAdapter, releaseDevice, type Adapter } from './webGpu.ts';

/** Whether a mode can run here, and on what. */
export interface GpuPath {
  readonly mode: GpuMode;
  /** Known in webgpu and the WebGL modes. */
  readonly adapter: Adapter | null;
  /** What is missing and what to do about it, in one line; null where nothing is. */
  readonly missing: string | null;
}

/** What a mode needs of where it runs. */
const needs: Readonly<Record<GpuMode, { supported: (gpuJs: GpuJs) => boolean; reason: string; remedy: string }>> = {
  webgpu: {
    supported: (gpuJs) => gpuJs.WebGPUKernel.isSupported,
    reason: 'there is no navigator.gpu',
    remedy: `In Node, install it: ${INSTALL_GPU}.`,
  },
  webgl2: {
    supported: (gpuJs) => gpuJs.WebGL2Kernel.isSupported,
    reason: 'there is no WebGL2 here, which browsers have',
    remedy: 'In Node, use --gpu-mode webgpu.',
  },
  headlessgl: {
    supported: (gpuJs) => gpuJs.HeadlessGLKernel.isSupported,
    reason: 'the package gl is not installed, or finds no display',
    remedy: 'Install it (npm install gl, which compiles for minutes), and run under an X server.',
  },
  webasm: {
    supported: (gpuJs) => gpuJs.WebAssemblyKernel.isSupported,
    reason: 'this engine has no WebAssembly',
    remedy: 'Use --backend reference.',
  },
  cpu: { supported: () => true, reason: '', remedy: '' },
};

/**
 * @throws UnsupportedBackendError naming mode, reason and remedy where the mode cannot run here.
 */
export function expectSupported(gpuJs: GpuJs, mode: GpuMode): void {
  const { supported, reason, remedy } = needs[mode];
  if (!supported(gpuJs)) throw new UnsupportedBackendError(`${reason}.`, { where: `--gpu-mode ${mode}`, remedy });
}

/** Looks whether a mode can run, without compiling anything. */
export async function gpuPath(mode: GpuMode): Promise<GpuPath> {
  try {
    const gpuJs = await loadGpuJs();
    expectSupported(gpuJs, mode);
    if (mode !== 'webgpu') return { mode, adapter: webGlAdapter(gpuJs, mode), missing: null };
    const ignore = (): void => {};
    const context = await acquireDevice(gpuJs, ignore);
    const adapter = nameAdapter(context.adapter.info);
    await releaseDevice(gpuJs, ignore);
    return { mode, adapter, missing: null };
  } catch (error) {
    if (!(error instanceof UnsupportedBackendError)) throw error;
    return { mode, adapter: null, missing: error.message };
  }
}
