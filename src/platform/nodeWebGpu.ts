/** `navigator.gpu` under Node, from the package `webgpu` (Dawn), which is optional. */
import { INSTALL_GPU } from '../backends/gpu/gpuJs.ts';

/** Kept: the device is gone when this is collected. */
let instance: unknown = null;

/**
 * Puts `navigator.gpu` and WebGPU's globals where gpu.js looks for them, unless they are there
 * already.
 * @returns null, or in one line what to install.
 */
export async function offerWebGpu(): Promise<string | null> {
  if (typeof navigator !== 'undefined' && 'gpu' in navigator) return null;
  try {
    const { create, globals } = await import('webgpu');
    instance = create([]);
    Object.assign(globalThis, globals);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    return missing
      ? `the package webgpu is not installed: ${INSTALL_GPU}`
      : `the package webgpu does not load here (${firstLine(error)}): npm install webgpu@latest`;
  }
  Object.defineProperty(navigator, 'gpu', { value: instance, configurable: true });
  return null;
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0];
}
