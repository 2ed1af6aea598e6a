/** Whole runs over a tiny model that end in a repair, or repair in the loop. */
import { memoryJournal } from '../../../src/platform/journalSink.ts';
import { memoryFiles } from '../../../src/platform/files.ts';
import { nodeHasher } from '../../../src/platform/nodeHash.ts';
import type { MethodEvent } from '../../../src/prune/method.ts';
import type { PruneResult } from '../../../src/prune/result.ts';
import { run, type RunOptions, type RunRepair } from '../../../src/prune/run.ts';
import { tensorStore, type TensorStore } from '../../../src/repair/store.ts';
import type { TinyOptions } from '../../model/tinyTransformer.ts';
import { tinyRun } from '../tinyRun.ts';
import { drain, tinyChunks } from '../tinySearch.ts';

export interface Kept {
  /** The journal's lines. */
  lines?: readonly string[];
  /** The store's files. */
  files?: Map<string, Uint8Array>;
}

export interface RepairRun {
  options: RunOptions;
  sink: ReturnType<typeof memoryJournal>;
  files: Map<string, Uint8Array>;
  store: TensorStore;
}

/** Twelve chunks of eight tokens: one is held out, and the rest are more rows than a matrix has. */
export const CHUNKS: ReturnType<typeof tinyChunks> = tinyChunks(3, 12, 8);

/** Three layers, two blocks to be removed, no sample. */
export async function repairRun(
  repair: Partial<RunRepair> | null,
  more: Partial<RunOptions> = {},
  { lines = [], files = new Map() }: Kept = {},
  tiny: TinyOptions = {},
): Promise<RepairRun> {
  const sink = memoryJournal(lines);
  const store = tensorStore(memoryFiles('spec', files), nodeHasher);
  const given: RunRepair = { when: 'end', store, weightBytes: 2 ** 20, streamBytes: 2 ** 20, ...repair };
  const fields: Partial<RunOptions> = {
    tokenizer: null,
    chunks: CHUNKS,
    stop: { blocks: 2 },
    activationBytes: 2 ** 20,
    ...(repair === null ? {} : { repair: given }),
    ...more,
  };
  const { options } = await tinyRun(sink, fields, { layers: 3, ...tiny });
  return { options, sink, files, store };
}

/** To the end; the model is freed, and nothing may be left on its backend. */
export async function finish({ options }: RepairRun): Promise<{ result: PruneResult; events: MethodEvent[] }> {
  const found = await drain(run(options));
  options.model.free();
  if (options.model.backend.bytesInUse() !== 0) throw new Error('something is left on the backend');
  return found;
}

/** What may not differ between two runs to the same end: all but what they took. */
export function lasting({ repair, ...result }: PruneResult): object {
  return { ...result, seconds: 0, repair: repair === undefined ? undefined : { ...repair, seconds: 0 } };
}
