/** The name of what runs WebGL. */
import type { GlContext, GpuJs } from './gpuJs.ts';
import type { GpuMode } from './gpuMode.ts';
import { isSoftware, type Adapter } from './webGpu.ts';

/** UNMASKED_RENDERER_WEBGL, of the extension WEBGL_debug_renderer_info. */
const UNMASKED_RENDERER = 0x9246;

/** @returns the renderer of a WebGL mode; null for other modes. */
export function webGlAdapter(gpuJs: GpuJs, mode: GpuMode): Adapter | null {
  if (mode === 'webgl2') return nameRenderer(gpuJs.WebGL2Kernel.testContext);
  return mode === 'headlessgl' ? nameRenderer(gpuJs.HeadlessGLKernel.testContext) : null;
}

function nameRenderer(context: GlContext | null): Adapter {
  const told = context?.getExtension('WEBGL_debug_renderer_info') ? context.getParameter(UNMASKED_RENDERER) : null;
  const name = typeof told === 'string' && told !== '' ? told : 'unnamed renderer';
  return isSoftware(name) ? { name: `${name}, software`, software: true } : { name, software: false };
}
