/** The facade in Node: from a path or a hub id to a model. */
import { openModel, type OpenOptions } from '../formats/openModel.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { filesBeside, lockedJournal } from '../platform/nodeJournal.ts';
import { defaultMemory, defaultThreads, thisMachine } from '../platform/nodeMachine.ts';
import { PROGRAM_VERSION } from '../platform/programVersion.ts';
import { nodeSpawnWorker } from '../platform/nodeThreads.ts';
import { nodeWidenVectors } from '../platform/nodeVectors.ts';
import { offerWebGpu } from '../platform/nodeWebGpu.ts';
import type { BackendSettings, CallSettings, Model } from './model.ts';
import { openLocal } from './openLocal.ts';
import { checkOptions, loadRules } from './options.ts';
import type { Platform } from './platform.ts';
import { errorInLibraryWords } from './words.ts';

/** How a model is found, and what it runs on. */
export interface LoadSettings
  extends BackendSettings, CallSettings, Pick<OpenOptions, 'offline' | 'revision' | 'hub'> {}

/**
 * Opens a model and a backend for it. Weights are read when the first call needs them, and stay
 * loaded as far as memory allows.
 * @param model a folder with config.json and safetensors, a .gguf file, a model of the hub
 * (`owner/name`), which is fetched once into the Hugging Face cache, or `tiny:planted`, which comes
 * along.
 * @throws NotFoundError, AccessError, FormatError or UnsupportedModelError for the model's files;
 * UnsupportedBackendError or MemoryBudgetError for the backend; UsageError for settings that there
 * are not or that do not go together.
 */
export async function load(model: string, settings: LoadSettings = {}): Promise<Model> {
  const { signal, offline, revision, hub, ...backend } = settings;
  const check = (): void => {
    if (signal?.aborted === true) throw signal.reason;
  };
  try {
    checkOptions(settings, loadRules);
    check();
    const opened = await openModel(model, { offline, revision, hub });
    const local = await openLocal(opened, backend, nodePlatform());
    try {
      check();
      return local;
    } catch (error) {
      await local.close();
      throw error;
    }
  } catch (error) {
    throw errorInLibraryWords(error);
  }
}

function nodePlatform(): Platform {
  return {
    version: PROGRAM_VERSION,
    surroundings: thisMachine(),
    spawn: nodeSpawnWorker,
    widen: nodeWidenVectors,
    offerWebGpu,
    threads: defaultThreads(),
    memoryBytes: defaultMemory(),
    newHasher: nodeHasher,
    openJournal: lockedJournal,
    openFiles: filesBeside,
  };
}
