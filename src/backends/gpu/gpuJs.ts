/**
 * What we use of gpu.js 2.24, typed no wider than that. The package is loaded on the first call and
 * nowhere else: most runs never need it, and in Node `navigator.gpu` has to be there before it is
 * loaded.
 */
import { UnsupportedBackendError } from '../../errors.ts';

/** The version that package.json pins; a spec holds the two together. */
export const GPU_JS_VERSION = '2.24.1';

/** The version of the package `webgpu` that the project itself is tried with. */
export const WEBGPU_VERSION = '0.6.2';

/**
 * What gives an installed package its GPU backend. Without what is optional for gpu.js: that is the
 * package gl, which compiles for minutes.
 */
export const INSTALL_GPU: string = `npm install gpu.js@${GPU_JS_VERSION} webgpu@${WEBGPU_VERSION} --omit=optional`;

/** Flat host data as an argument of a kernel. */
export interface HostInput {
  readonly value: Float32Array;
}

/** A kernel's result that stays on the device: a WebGPU buffer or a texture. */
export interface Resident {
  toArray(): KernelData | Promise<KernelData>;
  delete(): void;
}

/** Host data as gpu.js shapes them: one row, or rows. */
export type KernelData = Float32Array | readonly Float32Array[];

export type KernelResult = KernelData | Resident;

/** What may be passed to a kernel. */
export type KernelArgument = HostInput | Resident | number;

export interface Kernel {
  (...args: readonly KernelArgument[]): KernelResult | Promise<KernelResult>;
  setOutput(output: readonly number[]): void;
  /** The kernel that really runs: gpu.js replaces it when it falls back. */
  readonly kernel: { readonly fallbackReason: string | null; readonly constructor: { readonly mode?: string } };
}

export interface KernelSettings {
  output: readonly number[];
  argumentTypes: readonly string[];
  functions: readonly ((...args: never[]) => number)[];
  /** The result stays on the device. */
  pipeline: true;
  /** Every call gets a buffer of its own. */
  immutable: true;
  dynamicOutput: true;
  dynamicArguments: true;
  precision: 'single';
  /** All numbers highp: indices are among them. */
  tactic: 'precision';
  /**
   * WebGL: four numbers a texel, and textures about square whatever the result's shape: one side of
   * it may be too long.
   */
  optimizeFloatMemory: boolean;
  loopMaxIterations: number;
}

export interface Gpu {
  createKernel(source: (...args: never[]) => unknown, settings: KernelSettings): Kernel;
  destroy(): Promise<void>;
}

/** A result of webgpu mode. `componentCount` is 4 where each thread returned four numbers. */
export interface BufferResult extends Resident {
  readonly buffer: object;
  readonly context: WebGpuContext;
  readonly kernel: object;
  readonly componentCount: number;
  readonly output: readonly number[];
}

export interface WebGpuContext {
  readonly adapter: { readonly info: AdapterInfo };
  readonly device: WebGpuDevice;
}

export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

/** The part of GPUDevice that we touch; declared here because Node's types do not know WebGPU. */
export interface WebGpuDevice {
  readonly queue: { onSubmittedWorkDone(): Promise<unknown> };
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
}

/** The part of WebGLRenderingContext that tells the renderer's name. */
export interface GlContext {
  getExtension(name: string): unknown;
  getParameter(name: number): unknown;
}

interface GlKernelClass extends KernelClass {
  /**
   * The context with which gpu.js found out what WebGL can do here; null where it cannot be had.
   */
  readonly testContext: GlContext | null;
}

interface KernelClass {
  readonly isSupported: boolean;
  readonly mode?: string;
}

export interface GpuJs {
  GPU: new (settings: { mode: string }) => Gpu;
  input(value: Float32Array, size: readonly number[]): HostInput;
  WebGPUBufferResult: new (
    settings: Pick<BufferResult, 'buffer' | 'context' | 'kernel' | 'componentCount' | 'output'>,
  ) => BufferResult;
  /** One device for the whole process. */
  WebGPUContext: { acquire(): Promise<WebGpuContext>; destroy(): Promise<void> };
  WebGPUKernel: KernelClass;
  WebGL2Kernel: GlKernelClass;
  HeadlessGLKernel: GlKernelClass;
  WebAssemblyKernel: KernelClass;
  CPUKernel: KernelClass;
}

/** @throws UnsupportedBackendError where gpu.js is not installed. */
export async function loadGpuJs(): Promise<GpuJs> {
  try {
    const loaded = (await import('gpu.js')) as { default?: unknown };
    // CommonJS under Node; the build for browsers exports the class GPU with everything else on it.
    const library = (loaded.default ?? loaded) as GpuJs & Partial<Pick<GpuJs, 'GPU'>>;
    return typeof library === 'function' ? Object.assign(library, { GPU: library }) : library;
  } catch (cause) {
    const absent = cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
    throw new UnsupportedBackendError(absent ? 'gpu.js is not installed.' : `gpu.js does not load: ${String(cause)}.`, {
      where: '--backend gpu',
      remedy: `Install it: ${INSTALL_GPU}.`,
      cause,
    });
  }
}
