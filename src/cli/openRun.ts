/** What prune, perplexity and generate begin with: model, backend and the memory they share. */
import type { OpenedModel } from '../formats/openModel.ts';
import { openModel } from '../formats/openModel.ts';
import type { Backend } from '../backends/backend.ts';
import type { GpuMode } from '../backends/gpu/gpuMode.ts';
import type { Lanes } from '../backends/simd/kernels.ts';
import { selectBackend, type BackendName } from '../backends/select.ts';
import { UsageError } from '../errors.ts';
import { DEFAULT_CHUNK } from '../eval/chunks.ts';
import type { NllSum } from '../ops/nll.ts';
import { Mask } from '../model/mask.ts';
import { Transformer } from '../model/transformer.ts';
import type { WeightSource } from '../model/weights.ts';
import { nodeSpawnWorker } from '../platform/nodeThreads.ts';
import { nodeWidenVectors } from '../platform/nodeVectors.ts';
import { offerWebGpu } from '../platform/nodeWebGpu.ts';
import { candidatesLeft, type PruneKind } from '../prune/candidates.ts';
import { memoryNeeds, planMemory, type MemoryNeeds, type MemoryPlan } from '../prune/pricing/plan.ts';
import { defaultMemory, defaultThreads, MAX_MEMORY } from '../platform/nodeMachine.ts';
import { interruptibleBackend } from './interruptible.ts';
import type { Terminal } from './terminal.ts';

/** Options that all commands which run a model share. */
export interface ModelOptions {
  backend: BackendName;
  gpuMode?: GpuMode;
  lanes?: Lanes;
  threads?: number;
  memory?: number;
  offline?: boolean;
  revision?: string;
  hub?: boolean;
}

/** What a command's options say of what it will run. */
interface RunOptions extends ModelOptions {
  nllSum?: NllSum;
  /** Set by commands that measure perplexity. */
  data?: string;
  chunk?: number;
  /** Set by commands that search for candidates. */
  kind?: PruneKind;
}

export interface OpenRun {
  opened: OpenedModel;
  model: Transformer;
  plan: MemoryPlan;
  close(): Promise<void>;
}

/**
 * Opens the model and a backend for it; says on stderr which backend runs and why.
 * @throws MemoryBudgetError when there is less memory than the model and a chunk need;
 *   UnsupportedBackendError when the backend is not available here; UsageError when a mode of gpu
 *   or lanes of simd are asked for and another backend.
 */
export async function openRun(argument: string, options: RunOptions, terminal: Terminal): Promise<OpenRun> {
  if (options.gpuMode !== undefined && options.backend !== 'gpu') {
    throw new UsageError('--gpu-mode goes with --backend gpu.');
  }
  if (options.lanes !== undefined && options.backend !== 'simd' && options.backend !== 'auto') {
    throw new UsageError('--lanes goes with --backend simd.');
  }
  const opened = await openChecked(argument, options, terminal);
  let backend: Backend | null = null;
  const close = async (): Promise<void> => {
    await backend?.dispose();
    await opened.close();
  };
  try {
    const memoryBytes = options.memory ?? defaultMemory();
    const threads = options.threads ?? defaultThreads();
    const needs = needsOf(opened.weights, options, threads);
    const selected = await selectBackend({
      name: options.backend,
      threads,
      memoryBytes,
      spawn: nodeSpawnWorker,
      widen: nodeWidenVectors,
      lanes: options.lanes,
      gpuMode: options.gpuMode,
      offerWebGpu,
    });
    backend = selected.backend;
    terminal.note(`backend: ${backend.description}; ${selected.why}`);
    const most = backend.name === 'simd' ? MAX_MEMORY : Infinity;
    const plan = planMemory(Math.min(memoryBytes, backend.capacityBytes), needs, most);
    const model = await Transformer.load(
      opened.weights,
      interruptibleBackend(backend),
      plan.weightBytes,
      options.nllSum,
    );
    return {
      opened,
      model,
      plan,
      async close() {
        model.free();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function needsOf(source: WeightSource, { data, chunk, kind }: RunOptions, threads: number): MemoryNeeds {
  const { maxPositionEmbeddings } = source.config;
  // A text to continue is short: a token counts as a chunk.
  if (data === undefined) return memoryNeeds(source, 1, 1, threads);
  // What is wrong with a chunk beyond the context is not the memory.
  const tokens = Math.min(chunk ?? DEFAULT_CHUNK, maxPositionEmbeddings);
  const candidates = kind === undefined ? 1 : candidatesLeft(kind, source.config, Mask.empty).length;
  return memoryNeeds(source, tokens, candidates, threads);
}

/** Opens a model and passes on its warnings. */
export async function openChecked(
  argument: string,
  options: Omit<ModelOptions, 'backend'>,
  terminal: Terminal,
): Promise<OpenedModel> {
  const opened = await openModel(argument, {
    offline: options.offline,
    revision: options.revision,
    hub: options.hub,
  });
  for (const warning of opened.warnings) terminal.warn(warning);
  return opened;
}
