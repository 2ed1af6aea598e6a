import { UnsupportedBackendError } from '../../errors.ts';
import type { Gpu, GpuJs, Kernel } from './gpuJs.ts';
import type { GpuMode } from './gpuMode.ts';
import type { Program } from './kernels/kernel.ts';

/** Loops end by their own condition; gpu.js wants an upper bound all the same. */
const ENDLESS = 2 ** 30;

const argumentTypes = { array: 'Input', integer: 'Integer', float: 'Float' } as const;

/**
 * Compiles a kernel by running it once, on arrays of some zeros with all sizes 1: gpu.js compiles on the first call, and
 * falls back on the first call.
 * @throws UnsupportedBackendError when another mode ran than the one asked for.
 */
export async function compileProgram(gpuJs: GpuJs, gpu: Gpu, program: Program, mode: GpuMode): Promise<Kernel> {
  const { source, takes, helpers = [] } = program;
  const kernel = gpu.createKernel(source, {
    output: [1, 1],
    argumentTypes: takes.map((kind) => argumentTypes[kind]),
    functions: helpers,
    pipeline: true,
    immutable: true,
    dynamicOutput: true,
    dynamicArguments: true,
    precision: 'single',
    loopMaxIterations: ENDLESS,
  });
  const result = await kernel(...takes.map((kind) => (kind === 'array' ? gpuJs.input(new Float32Array(16), [16]) : 1)));
  if ('delete' in result) result.delete();
  expectMode(kernel, mode);
  return kernel;
}

/** @throws UnsupportedBackendError when gpu.js fell back to something else. */
export function expectMode({ kernel }: Kernel, mode: GpuMode): void {
  if (kernel.constructor.mode === mode) return;
  throw new UnsupportedBackendError(
    `gpu.js ran ${kernel.constructor.mode ?? 'something else'} instead: ${kernel.fallbackReason ?? 'no reason given'}.`,
    { where: `--gpu-mode ${mode}`, remedy: 'Use --backend simd.' },
  );
}
