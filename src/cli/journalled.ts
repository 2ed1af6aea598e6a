/** A run whose journal lies in its folder, while its events are shown. */
import { join } from 'node:path';
import { turnWhenDue } from '../model/eventLoop.ts';
import type { JournalSink } from '../platform/journalSink.ts';
import { fileJournal } from '../platform/nodeJournal.ts';
import { nodeStateFile } from '../platform/nodeStateFile.ts';
import type { MethodEvent } from '../prune/method.ts';
import type { Keeping } from '../prune/pricing/walkKeeper.ts';
import { BrokenOff } from './interruptible.ts';
import { endsAtOnce, endsWhenKept, interrupted, isAskedToEnd, keptAll, resumesOnInterruption } from './interruption.ts';
import { SearchProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

export interface JournalledOptions {
  /** Begin anew, whatever the journal holds. */
  fresh: boolean;
  /** Seconds between two times that a sweep is kept. */
  saveEvery?: number;
}

/**
 * Runs to the end over the journal of the folder `out`, which may hold a part of it already. Who
 * interrupts it waits until the record in hand is written, or the sweep that is under way.
 */
export async function journalled<T>(
  out: string,
  { fresh, saveEvery }: JournalledOptions,
  terminal: Terminal,
  begin: (sink: JournalSink, keeping: Keeping) => AsyncGenerator<MethodEvent, T>,
): Promise<T> {
  const file = nodeStateFile(join(out, 'walk.state'));
  if (fresh) await file.remove();
  const sink = await fileJournal(join(out, 'journal.jsonl'), fresh);
  if (sink.lines.length > 1) terminal.note(`resuming from ${sink.name}`);
  resumesOnInterruption(fresh);
  endsWhenKept();
  const progress = new SearchProgress(terminal);
  const keeping: Keeping = {
    file,
    everySeconds: saveEvery,
    note: (text) => terminal.warn(text),
    onKept: keptAll,
    isUrgent: isAskedToEnd,
  };
  try {
    const events = begin(noticing(sink), keeping);
    for (;;) {
      const next = await events.next();
      if (next.done === true) return next.value;
      progress.show(next.value);
      await turnWhenDue();
    }
  } catch (error) {
    // What could be kept is kept by now.
    if (error instanceof BrokenOff) interrupted(130);
    throw error;
  } finally {
    endsAtOnce();
    progress.close();
    await sink.close();
  }
}

/** The same journal, which notes that all is kept when a line is written. */
function noticing(sink: JournalSink): JournalSink {
  return {
    ...sink,
    async append(line) {
      await sink.append(line);
      keptAll();
    },
  };
}
