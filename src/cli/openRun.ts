/** What prune, perplexity and generate begin with: model, backend and the memory they share. */
import type { OpenedModel } from '../formats/openModel.ts';
import { openModel } from '../formats/openModel.ts';
import { selectBackend, type BackendName } from '../backends/select.ts';
import type { NllSum } from '../ops/nll.ts';
import { Transformer } from '../model/transformer.ts';
import { nodeSpawnWorker } from '../platform/nodeThreads.ts';
import { planMemory, type MemoryPlan } from '../prune/plan.ts';
import { defaultMemory, defaultThreads } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** Options that all commands which run a model share. */
export interface ModelOptions {
  backend: BackendName;
  threads?: number;
  memory?: number;
  offline?: boolean;
  revision?: string;
}

export interface OpenRun {
  opened: OpenedModel;
  model: Transformer;
  plan: MemoryPlan;
  close(): Promise<void>;
}

/** Opens the model and a backend for it; says on stderr which backend runs and why. */
export async function openRun(
  argument: string,
  options: ModelOptions & { nllSum?: NllSum },
  terminal: Terminal,
): Promise<OpenRun> {
  const opened = await openChecked(argument, options, terminal);
  const memoryBytes = options.memory ?? defaultMemory();
  const { backend, why } = await selectBackend({
    name: options.backend,
    threads: options.threads ?? defaultThreads(),
    memoryBytes,
    spawn: nodeSpawnWorker,
  });
  terminal.note(`backend: ${backend.description}; ${why}`);
  const plan = planMemory(Math.min(memoryBytes, backend.capacityBytes));
  const model = await Transformer.load(opened.weights, backend, plan.weightBytes, options.nllSum);
  return {
    opened,
    model,
    plan,
    async close() {
      model.free();
      await backend.dispose();
      await opened.close();
    },
  };
}

/** Opens a model and passes on its warnings. */
export async function openChecked(
  argument: string,
  options: Omit<ModelOptions, 'backend'>,
  terminal: Terminal,
): Promise<OpenedModel> {
  const opened = await openModel(argument, { offline: options.offline, revision: options.revision });
  for (const warning of opened.warnings) terminal.warn(warning);
  return opened;
}
