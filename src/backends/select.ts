import { UnsupportedBackendError } from '../errors.ts';
import type { Backend } from './backend.ts';
import type { GpuMode } from './gpu/gpuMode.ts';
import { selectGpu } from './gpu/selectGpu.ts';
import { referenceBackend } from './reference/referenceBackend.ts';
import { compileKernels, webAssemblyObstacle, type KernelVariant, type Lanes } from './simd/kernels.ts';
import type { WidenVectors } from './simd/lanes.ts';
import { simdBackend } from './simd/simdBackend.ts';
import type { SpawnWorker } from './simd/threadPool.ts';

/** Backends that can be asked for by name; `auto` takes the fastest this machine offers. */
export const backendNames = ['auto', 'simd', 'gpu', 'reference'] as const;
export type BackendName = (typeof backendNames)[number];

export interface BackendRequest {
  name: BackendName;
  /** Threads for backends that have them, the calling one included. */
  threads: number;
  /** Bytes for weights and activations. */
  memoryBytes: number;
  /** How worker threads are started here; null where they cannot be. */
  spawn: SpawnWorker | null;
  variant?: KernelVariant;
  /** How the engine is asked for 256-bit vectors; null or missing where it is not to be. */
  widen?: WidenVectors | null;
  /** f32 lanes of a vector to insist on; without it, what proves faster here. */
  lanes?: Lanes;
  /** How gpu.js is to run; without it, on the first GPU that is found. */
  gpuMode?: GpuMode;
  /** Puts navigator.gpu in place; gives null, or what is missing. Not needed in a browser. */
  offerWebGpu?: () => Promise<string | null>;
}

export interface SelectedBackend {
  backend: Backend;
  /** One sentence: what was chosen and for what reason. */
  why: string;
}

/**
 * Opens the backend asked for. `auto` chooses simd where WebAssembly SIMD is there, else the
 * reference; it never falls from one to the other after that.
 * @throws UnsupportedBackendError when the one asked for is not available here.
 */
export async function selectBackend(request: BackendRequest): Promise<SelectedBackend> {
  if (request.name === 'reference') return { backend: referenceBackend(), why: 'reference was asked for.' };
  if (request.name === 'gpu') {
    const { gpuMode, memoryBytes, offerWebGpu = null } = request;
    const backend = await selectGpu(gpuMode, memoryBytes, offerWebGpu);
    return { backend, why: gpuMode === undefined ? 'gpu is asked for.' : `${gpuMode} is the mode asked for.` };
  }
  const offered = offeredVariants();
  if (offered.length === 0) {
    const missing = webAssemblyObstacle() ?? 'this engine has no WebAssembly SIMD';
    if (request.name === 'auto') {
      return { backend: referenceBackend(), why: `${missing}, so the reference runs (slow).` };
    }
    throw new UnsupportedBackendError(`${missing}.`, {
      where: '--backend simd',
      remedy: 'Use --backend reference.',
    });
  }
  const backend = await simdBackend(request);
  const variant = request.variant ?? offered[0];
  const asked = request.name === 'auto' ? 'the fastest backend here' : 'asked for';
  const best = variant === offered[0] ? 'the best' : 'the wanted';
  return { backend, why: `simd is ${asked}; ${variant} is ${best} variant; ${whyLanes(request, backend.lanes)}.` };
}

function whyLanes({ lanes, widen }: BackendRequest, ran: Lanes): string {
  if (lanes !== undefined) return `${lanes} lanes are asked for`;
  if (ran === 8) return 'the engine joins vectors of 4 lanes to 8';
  return widen === undefined || widen === null
    ? '4 lanes are the rule'
    : 'the engine does not join vectors of 4 lanes to 8';
}

/** SIMD kernel variants that this engine can run, best first. */
export function offeredVariants(): KernelVariant[] {
  return (['relaxed-fma', 'plain'] as const).filter((variant) => compileKernels(variant) !== null);
}
