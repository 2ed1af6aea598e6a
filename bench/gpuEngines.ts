/** What `bench:gpu` compares: the reference, simd with one thread and with all, and every mode of gpu.js that runs here. */
import { availableParallelism } from 'node:os';
import type { Backend } from '../src/backends/backend.ts';
import { gpuBackend } from '../src/backends/gpu/gpuBackend.ts';
import { gpuModes, type GpuMode } from '../src/backends/gpu/gpuMode.ts';
import { gpuPath, type GpuPath } from '../src/backends/gpu/gpuPath.ts';
import { referenceBackend } from '../src/backends/reference/referenceBackend.ts';
import { simdBackend } from '../src/backends/simd/simdBackend.ts';
import { nodeSpawnWorker } from '../src/platform/nodeThreads.ts';
import { nodeWidenVectors } from '../src/platform/nodeVectors.ts';
import { offerWebGpu } from '../src/platform/nodeWebGpu.ts';

/**
 * Where the arithmetic is done. `software` is an adapter that is not a GPU, `unnamed` one that does
 * not say what it is (as those of OpenGL): neither is taken for a GPU.
 */
export type Kind = 'processor' | 'software' | 'unnamed' | 'gpu';

/** A backend that can be opened here. */
export interface Choice {
  kind: Kind;
  /** `reference`, `simd` or a mode of gpu.js. */
  name: string;
  /** 0 for gpu.js. */
  threads: number;
  mode: GpuMode | null;
  open: (memoryBytes: number) => Promise<Backend>;
}

/** A backend that is open. */
export interface Engine {
  kind: Kind;
  /** What really runs, without threads: `gpu (webgpu, nvidia hopper)`. */
  name: string;
  threads: number;
  backend: Backend;
  /** When everything that was queued is done: a number that was stored before all of it has come back. */
  finish: () => Promise<unknown>;
  close: () => Promise<void>;
}

/**
 * What runs here, and a line for each mode that does not, or that is not a GPU though it might look
 * like one.
 */
export async function engineChoices(): Promise<{ choices: Choice[]; notes: string[] }> {
  const choices: Choice[] = [
    { kind: 'processor', name: 'reference', threads: 1, mode: null, open: () => Promise.resolve(referenceBackend()) },
  ];
  for (const threads of new Set([1, availableParallelism()])) choices.push(simd(threads));
  const notes: string[] = [];
  const noWebGpu = await offerWebGpu();
  for (const mode of gpuModes) {
    const path = await gpuPath(mode);
    const missing = mode === 'webgpu' && noWebGpu !== null ? noWebGpu : path.missing;
    if (missing !== null) {
      notes.push(`${mode} was not measured: ${missing.replace(/^--gpu-mode \w+: /, '')}`);
      continue;
    }
    const kind = kindOf(path);
    if (kind === 'software') notes.push(`${mode} ran on ${path.adapter?.name}: this is not a GPU.`);
    if (kind === 'unnamed') notes.push(`${mode} does not say what it ran on; it is not taken for a GPU.`);
    choices.push({ kind, name: mode, threads: 0, mode, open: (memoryBytes) => gpuBackend({ mode, memoryBytes }) });
  }
  if (!choices.some(({ kind }) => kind === 'gpu')) notes.unshift('There is no GPU here: sizes are small.');
  return { choices, notes };
}

function simd(threads: number): Choice {
  const open = (memoryBytes: number): Promise<Backend> =>
    simdBackend({ memoryBytes, threads, spawn: nodeSpawnWorker, widen: nodeWidenVectors });
  return { kind: 'processor', name: 'simd', threads, mode: null, open };
}

function kindOf({ mode, adapter }: GpuPath): Kind {
  if (mode === 'webasm' || mode === 'cpu') return 'processor';
  if (adapter === null) return 'unnamed';
  return adapter.software ? 'software' : 'gpu';
}

export async function openEngine({ kind, threads, open }: Choice, memoryBytes: number): Promise<Engine> {
  const backend = await open(memoryBytes);
  const probe = backend.store(Float32Array.of(1), 1, 1);
  return {
    kind,
    name: backend.description.replace(/, \d+ threads?\)/, ')'),
    threads,
    backend,
    finish: () => backend.download(probe),
    close: () => backend.dispose(),
  };
}

/** simd with all of the machine's cores: what the others are compared with. */
export function isYardstick({ name, threads }: { name: string; threads: number }): boolean {
  return name.startsWith('simd') && threads === availableParallelism();
}
