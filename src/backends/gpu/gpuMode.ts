/**
 * How gpu.js can run a kernel. Only the first three are GPUs; `webasm` and `cpu` run the same
 * kernels on the processor.
 */
export const gpuModes = ['webgpu', 'webgl2', 'headlessgl', 'webasm', 'cpu'] as const;
export type GpuMode = (typeof gpuModes)[number];

/** What is tried where no mode is asked for, best first. */
export const probedModes: readonly GpuMode[] = ['webgpu', 'webgl2', 'headlessgl'];
