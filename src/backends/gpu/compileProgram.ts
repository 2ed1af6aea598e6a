import { UnsupportedBackendError } from '../../errors.ts';
import type { Gpu, GpuJs, Kernel, KernelResult } from './gpuJs.ts';
import type { GpuMode } from './gpuMode.ts';
import type { Program } from './kernels/kernel.ts';

/** Loops end by their own condition; gpu.js wants an upper bound all the same. */
const ENDLESS = 2 ** 30;

/**
 * Kinds of arguments in gpu.js's words. WebGL reads what lies on the device from another kind of
 * texture than host data.
 */
const argumentTypes = { array: 'Input', host: 'Input', integer: 'Integer', float: 'Float' } as const;
const webGlTypes = { ...argumentTypes, array: 'MemoryOptimizedNumberTexture' } as const;

/**
 * Compiles a kernel by running it once, on a few zeros with all sizes 1: gpu.js compiles on the
 * first call, and falls back on the first call.
 * @param array a result of another kernel that stands for its arrays; null takes host data, which
 * will do but in WebGL.
 * @throws UnsupportedBackendError when another mode ran than the one asked for.
 */
export async function compileProgram(
  gpuJs: GpuJs,
  gpu: Gpu,
  program: Program,
  mode: GpuMode,
  array: KernelResult | null = null,
): Promise<Kernel> {
  const { source, takes, helpers = [] } = program;
  const webGl = mode === 'webgl2' || mode === 'headlessgl';
  const types = webGl ? webGlTypes : argumentTypes;
  const kernel = gpu.createKernel(source, {
    output: [1, 1],
    argumentTypes: takes.map((kind) => types[kind]),
    functions: helpers,
    pipeline: true,
    immutable: true,
    dynamicOutput: true,
    dynamicArguments: true,
    precision: 'single',
    tactic: 'precision',
    optimizeFloatMemory: webGl,
    loopMaxIterations: ENDLESS,
  });
  const zeros = gpuJs.input(new Float32Array(16), [16]);
  const resident = array !== null && 'delete' in array ? array : zeros;
  const samples = { array: resident, host: zeros, integer: 1, float: 1 } as const;
  const result = await kernel(...takes.map((kind) => samples[kind]));
  if ('delete' in result) result.delete();
  expectMode(gpuJs, kernel, mode);
  return kernel;
}

/**
 * gpu.js's own class for each mode. Both WebGL modes call themselves `gpu`: the name would not
 * tell.
 */
const classes = {
  webgpu: 'WebGPUKernel',
  webgl2: 'WebGL2Kernel',
  headlessgl: 'HeadlessGLKernel',
  webasm: 'WebAssemblyKernel',
  cpu: 'CPUKernel',
} as const satisfies Readonly<Record<GpuMode, keyof GpuJs>>;

/** @throws UnsupportedBackendError when gpu.js fell back to something else. */
export function expectMode(gpuJs: GpuJs, { kernel }: Kernel, mode: GpuMode): void {
  if (kernel.constructor === gpuJs[classes[mode]]) return;
  throw new UnsupportedBackendError(
    `gpu.js ran ${kernel.constructor.mode ?? 'something else'} instead: ${kernel.fallbackReason ?? 'no reason given'}.`,
    { where: `--gpu-mode ${mode}`, remedy: 'Use --backend simd.' },
  );
}
