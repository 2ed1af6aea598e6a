import { selectBackend } from '../backends/select.ts';
import { UsageError } from '../errors.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import { disposable } from './disposable.ts';
import { LocalModel } from './localModel.ts';
import type { BackendSettings, Model } from './model.ts';
import { backendRules, checkOptions } from './options.ts';
import type { Platform } from './platform.ts';
import { errorInLibraryWords } from './words.ts';

/**
 * Opens a backend for a model and puts both behind the facade. The model is closed with it, also
 * where no backend opens.
 * @throws UnsupportedBackendError, MemoryBudgetError; UsageError for settings that do not go
 * together.
 */
export async function openLocal(opened: OpenedModel, settings: BackendSettings, platform: Platform): Promise<Model> {
  try {
    checkBackend(settings);
    const { backend: name = 'auto', threads = platform.threads, memoryBytes = platform.memoryBytes } = settings;
    const { gpuMode, variant, lanes } = settings;
    const { spawn, widen, offerWebGpu } = platform;
    const selected = await selectBackend({
      name,
      threads,
      memoryBytes,
      spawn,
      widen,
      gpuMode,
      variant,
      lanes,
      offerWebGpu: offerWebGpu ?? undefined,
    });
    return disposable(new LocalModel(opened, selected, { threads, memoryBytes }, platform));
  } catch (error) {
    await opened.close();
    throw errorInLibraryWords(error);
  }
}

function checkBackend(settings: BackendSettings): void {
  checkOptions(settings, backendRules);
  const { backend = 'auto', gpuMode, lanes, variant } = settings;
  if (gpuMode !== undefined && backend !== 'gpu') throw new UsageError("gpuMode goes with backend: 'gpu'.");
  if ((lanes ?? variant) !== undefined && backend !== 'simd' && backend !== 'auto') {
    throw new UsageError("lanes and variant go with backend: 'simd'.");
  }
}
