/** Whole runs of any method over a tiny model, for the specs of methods. */
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import type { Edit } from '../../src/model/edit.ts';
import { memoryJournal, type JournalSink } from '../../src/platform/journalSink.ts';
import type { Method } from '../../src/prune/method.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { run, type RunOptions } from '../../src/prune/run.ts';
import type { TinyOptions } from '../model/tinyTransformer.ts';
import { tinyRun } from '../prune/tinyRun.ts';
import { drain } from '../prune/tinySearch.ts';

export interface MethodRun {
  options: RunOptions;
  sink: JournalSink & { readonly all: readonly string[] };
}

/** Three layers, three chunks of eight tokens, no sample; gradients on the reference backend. */
export async function methodRun(
  method: Method,
  more: Partial<RunOptions> = {},
  tiny: TinyOptions = {},
  lines: readonly string[] = [],
  backend?: Backend,
): Promise<MethodRun> {
  const sink = memoryJournal(lines);
  const gradients = (): Promise<ReturnType<typeof referenceBackend>> => Promise.resolve(referenceBackend());
  const fields = { method, gradients, tokenizer: null, stop: { blocks: 2 }, activationBytes: 2 ** 20, ...more };
  const { options } = await tinyRun(sink, fields, { layers: 3, ...tiny }, backend);
  return { options, sink };
}

/** The document of such a run. */
export async function resultOf(
  method: Method,
  more: Partial<RunOptions> = {},
  tiny: TinyOptions = {},
): Promise<PruneResult> {
  const { options } = await methodRun(method, more, tiny);
  return finish(options);
}

/** The run to its end; the model is freed, and nothing may be left on its backend. */
export async function finish(options: RunOptions): Promise<PruneResult> {
  return (await drain(run(options))).result;
}

/** A document without what may differ between two runs of the same: the seconds. */
export function lasting(result: PruneResult): Omit<PruneResult, 'seconds'> {
  const { seconds: _, ...document } = result;
  return document;
}

/** A document's scores by candidate; NaN where one is not a number. */
export function scoresOf({ scores = [] }: PruneResult): Record<string, number> {
  return Object.fromEntries(
    scores.map(({ block, score, status }) => [block, score ?? (status === 'nan' ? NaN : Infinity)]),
  );
}

/** What the run's method returns, its edits, and the document's steps. */
export async function editsOf(options: RunOptions): Promise<{ edits: readonly Edit[]; steps: PruneResult['steps'] }> {
  const { method } = options;
  if (method === undefined) throw new Error('no method');
  let edits: readonly Edit[] = [];
  const watched: Method = {
    ...method,
    async *run(subject, settings, budget) {
      edits = yield* method.run(subject, settings, budget);
      return edits;
    },
  };
  const { steps } = await finish({ ...options, method: watched });
  return { edits, steps };
}
