/** What prune, perplexity and generate begin with: model, backend and the memory they share. */
import { stat } from 'node:fs/promises';
import type { OpenedModel } from '../formats/openModel.ts';
import { openModel } from '../formats/openModel.ts';
import type { Backend } from '../backends/backend.ts';
import type { GpuMode } from '../backends/gpu/gpuMode.ts';
import type { Lanes } from '../backends/simd/kernels.ts';
import { selectBackend, type BackendName } from '../backends/select.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { defaultChunk, type ConventionName } from '../eval/namedConvention.ts';
import type { NllSum } from '../ops/nll.ts';
import type { Metric } from '../prune/lowest.ts';
import { Mask } from '../model/mask.ts';
import type { WeightSource } from '../model/weights.ts';
import { nodeSpawnWorker } from '../platform/nodeThreads.ts';
import { nodeWidenVectors } from '../platform/nodeVectors.ts';
import { offerWebGpu } from '../platform/nodeWebGpu.ts';
import type { PruneKind } from '../prune/candidates.ts';
import type { RepairTime } from '../prune/repair/settings.ts';
import { runWorkload } from '../prune/repair/workload.ts';
import type { RepairScope } from '../repair/cuts.ts';
import { defaultRepair } from '../repair/repair.ts';
import { repairWorkload } from '../repair/repairMemory.ts';
import type { MemoryRemedy, Workload } from '../session/memoryPlan.ts';
import { openSession, type Session } from '../session/session.ts';
import { defaultMemory, defaultThreads } from '../platform/nodeMachine.ts';
import { backendWords } from './backendWords.ts';
import { interruptibleBackend } from './interruptible.ts';
import { checkPruned, prunedEdits, repairedWeights, type PrunedOptions, type RunEdits } from './runEdits.ts';
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
  data?: readonly string[];
  chunk?: number;
  convention?: ConventionName;
  /** Set by commands that search for candidates. */
  kind?: PruneKind;
  kl?: boolean;
  metric?: Metric;
  repair?: RepairTime;
  repairScope?: RepairScope;
  /** Set by the command that repairs what another has removed. */
  mends?: boolean;
  eval?: readonly string[];
  tokens?: number | 'all';
}

export interface OpenRun extends Session {
  opened: OpenedModel;
}

/** A run on a pruned model, repaired where its folder holds a repair. */
export interface OpenPruned extends OpenRun, Pick<RunEdits, 'mask' | 'repair'> {}

/**
 * Opens the model and a backend for it; says on stderr which backend runs and why.
 * @throws MemoryBudgetError when there is less memory than the model and a chunk need;
 *   UnsupportedBackendError when the backend is not available here; UsageError when a mode of gpu
 *   or lanes of simd are asked for and another backend.
 */
export async function openRun(argument: string, options: RunOptions, terminal: Terminal): Promise<OpenRun> {
  return openWith(argument, options, terminal, ({ weights }) => Promise.resolve(weights));
}

/**
 * The same for a model of which `--mask` or `--run` takes blocks away.
 * @throws as `openRun` and `prunedEdits`; UsageError where both are given.
 */
export async function openPruned(
  argument: string,
  options: RunOptions & PrunedOptions,
  terminal: Terminal,
): Promise<OpenPruned> {
  checkPruned(options);
  let found: RunEdits = { mask: Mask.empty, edits: [], repair: null };
  const run = await openWith(argument, options, terminal, async ({ weights }) => {
    found = await prunedEdits(options, weights, (text) => terminal.warn(text));
    return repairedWeights(weights, found);
  });
  return { ...run, mask: found.mask, repair: found.repair };
}

/**
 * The same for weights that are made of the model's own, before a backend is opened.
 * @param weightsOf the weights that are run: the model's own, or edited ones.
 */
export async function openWith(
  argument: string,
  options: RunOptions,
  terminal: Terminal,
  weightsOf: (opened: OpenedModel) => Promise<WeightSource>,
): Promise<OpenRun> {
  if (options.gpuMode !== undefined && options.backend !== 'gpu') {
    throw new UsageError('--gpu-mode goes with --backend gpu.');
  }
  if (options.lanes !== undefined && options.backend !== 'simd' && options.backend !== 'auto') {
    throw new UsageError('--lanes goes with --backend simd.');
  }
  await requireFiles('--data', options.data);
  await requireFiles('--eval', options.eval);
  const opened = await openChecked(argument, options, terminal);
  const { nllSum } = options;
  try {
    const weights = await weightsOf(opened);
    const session = await openSession(
      weights,
      (memoryBytes) => openBackend(options, memoryBytes, terminal),
      options.memory ?? defaultMemory(),
      workloadOf(weights, options),
      { nllSum, remedy },
    );
    return {
      ...session,
      opened,
      async close() {
        await session.close();
        await opened.close();
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** @throws NotFoundError for a missing text, before a model is fetched or a backend opened. */
async function requireFiles(option: string, paths: readonly string[] = []): Promise<void> {
  for (const path of paths) {
    const code = await stat(path).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (code !== 'ENOENT') continue;
    throw new NotFoundError('no such file or folder.', {
      where: path,
      remedy: `Check the path given to ${option}: it starts from the folder you are in.`,
    });
  }
}

const remedy: MemoryRemedy = (least) =>
  least === null ? 'Lower --chunk.' : `Raise --memory to ${least}MB or more, or lower --chunk.`;

async function openBackend(
  options: RunOptions,
  memoryBytes: number,
  terminal: Terminal,
): Promise<{ backend: Backend; why: string }> {
  const { backend, why } = await selectBackend({
    name: options.backend,
    threads: options.threads ?? defaultThreads(),
    memoryBytes,
    spawn: nodeSpawnWorker,
    widen: nodeWidenVectors,
    lanes: options.lanes,
    gpuMode: options.gpuMode,
    offerWebGpu,
  });
  const words = backendWords(backend.description, options.lanes);
  terminal.note(`backend: ${words}${words === backend.description ? `; ${why}` : ''}`);
  return { backend: interruptibleBackend(backend), why };
}

function workloadOf(weights: WeightSource, options: RunOptions): Workload {
  const { data, chunk, convention = 'paper', kind, repair, repairScope: scope = defaultRepair.scope } = options;
  // A text to continue is short: a token counts as a chunk.
  if (data === undefined) return { chunk: 1, streams: 1 };
  // What is wrong with a chunk beyond the context is not the memory.
  const { config } = weights;
  const length = Math.min(chunk ?? defaultChunk(convention, Infinity), config.maxPositionEmbeddings);
  // Every chunk may begin with a BOS.
  const most = options.tokens === 'all' ? Infinity : (options.tokens ?? Infinity);
  const tokens = (most * length) / Math.max(1, length - 1);
  if (kind !== undefined) {
    const mending = repair && { when: repair, scope, tokens, inMemory: false };
    return runWorkload(weights, length, kind, mending, options.kl === true || options.metric === 'kl');
  }
  if (options.mends !== true) return { chunk: length, streams: 1 };
  return { ...repairWorkload(weights, length, tokens), models: options.eval === undefined ? 1 : 2 };
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
