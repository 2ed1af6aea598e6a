import type { Chunks } from '../eval/chunks.ts';
import type { OpenedModel } from '../formats/modelFiles.ts';
import type { Mask } from '../model/mask.ts';
import { memoryFiles } from '../platform/files.ts';
import { memoryJournal } from '../platform/journalSink.ts';
import { mapEvents } from '../prune/mapEvents.ts';
import type { MethodEvent } from '../prune/method.ts';
import { checkRepair, repairRun } from '../prune/repair/repairRun.ts';
import { defaultRepair } from '../repair/repair.ts';
import { fittedBytes, repairWorkload } from '../repair/repairMemory.ts';
import { repairSettings } from '../repair/settings.ts';
import { tensorStore } from '../repair/store.ts';
import type { LoadedWeights } from '../session/loadedWeights.ts';
import type { Workload } from '../session/memoryPlan.ts';
import { checkOptions, repairRules } from './options.ts';
import type { Platform } from './platform.ts';
import type { RepairEvent, RepairResult } from './repairResult.ts';
import type { Data, RepairSettings } from './settings.ts';

/** What a repair takes from the model it mends. */
export interface Mended {
  readonly opened: OpenedModel;
  readonly platform: Platform;
  readonly weights: LoadedWeights;
  readonly mask: () => Mask;
  /** A text, cut into chunks. */
  readonly chunks: (text: Data) => Promise<{ name: string; chunks: Chunks }>;
}

/** One call of `repair`, from its settings to its result. @throws as `Model.repair`. */
export async function* repairEvents(
  settings: RepairSettings,
  { opened, platform, weights, mask: maskOf, chunks: cut }: Mended,
): AsyncGenerator<RepairEvent, RepairResult> {
  checkOptions(settings, repairRules);
  const { data, eval: other, journal, fresh = false } = settings;
  const fitting = repairSettings(settings);
  const mask = maskOf();
  const { name, chunks } = await cut(data);
  const evaluation = other === undefined ? null : await cut(other);
  // The repaired model is held beside the whole one where both are measured on another text.
  const { model, activationBytes, weightBytes, streamBytes } = await weights.under(
    workloadOf(settings, opened, chunks),
    settings.nllSum,
  );
  // A fresh journal is emptied when it is opened.
  checkRepair({ model, chunks, mask, settings: fitting });
  const { version, newHasher } = platform;
  const files = journal === undefined ? memoryFiles('fitted tensors') : await platform.openFiles(journal);
  const store = tensorStore(files, newHasher);
  const sink = journal === undefined ? memoryJournal() : await platform.openJournal(journal, fresh);
  try {
    const run = repairRun({
      model,
      chunks,
      dataName: name,
      mask,
      settings: fitting,
      evaluation,
      activationBytes,
      streamBytes,
      weightBytes,
      store,
      version,
      newHasher,
      sink,
    });
    const document = yield* mapEvents(run, plainEvent);
    const tensors = new Map<string, Float32Array>();
    for (const tensor of document.repair.tensors) tensors.set(tensor.name, await store.read(tensor));
    return { document, tensors };
  } finally {
    await sink.close();
  }
}

/** What the memory of the repair must be enough for. */
function workloadOf(
  { eval: other, journal, scope = defaultRepair.scope }: RepairSettings,
  { weights }: OpenedModel,
  { chunk, ids }: Chunks,
): Workload {
  const workload = repairWorkload(weights, chunk, chunk * ids.length);
  // Without a folder the fitted tensors are kept in memory.
  const fitted = journal === undefined ? fittedBytes(weights, scope) : 0;
  // The repaired model is held beside the whole one where both are measured on another text.
  const models = other === undefined ? 1 : 2;
  return { ...workload, hostBytes: workload.hostBytes + fitted, models };
}

/** A repair of its own has no leaders, and tells nothing else. */
function plainEvent(event: MethodEvent): RepairEvent {
  if (event.type !== 'repairing') return event as RepairEvent;
  const { type, block, fraction } = event;
  return { type, block, fraction };
}
