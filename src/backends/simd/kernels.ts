import { plainKernels, relaxedKernels } from './kernels.generated.ts';

/** A kernel: pointers and sizes as numbers; the last two are the range of units to work on. */
export type Kernel = (...args: number[]) => void;

/** The kernels by the names under which src/backends/simd/assembly exports them. Order = id in a thread's job. */
export const kernelNames = [
  'linear',
  'rmsNorm',
  'layerNorm',
  'add',
  'swiglu',
  'geluTanh',
  'geluErf',
  'rope',
  'attention',
  'nllTile',
  'nllReset',
] as const;
export type KernelName = (typeof kernelNames)[number];

/** Which arithmetic a kernel variant uses; part of every result and of the journal's hash. */
export type KernelVariant = 'relaxed-fma' | 'plain';

/** Compiles a variant, or returns null where the engine does not know its instructions. */
export function compileKernels(variant: KernelVariant): WebAssembly.Module | null {
  const bytes = decodeBase64(variant === 'relaxed-fma' ? relaxedKernels : plainKernels);
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
}

/** The kernels over `memory`, as every thread instantiates them for itself. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernel[] {
  const instance = new WebAssembly.Instance(module, { env: { memory, exp: Math.exp, hostExp: Math.exp } });
  return kernelNames.map((name) => instance.exports[name] as Kernel);
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
