/** A run whose journal lies in its folder, while its events are shown. */
import { join } from 'node:path';
import { turn } from '../model/eventLoop.ts';
import type { JournalSink } from '../platform/journalSink.ts';
import { fileJournal } from '../platform/nodeJournal.ts';
import type { MethodEvent } from '../prune/method.ts';
import { resumesOnInterruption } from './interruption.ts';
import { SearchProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs to the end over the journal of the folder `out`, which may hold a part of it already.
 * @param fresh begin anew, whatever the journal holds.
 */
export async function journalled<T>(
  out: string,
  fresh: boolean,
  terminal: Terminal,
  begin: (sink: JournalSink) => AsyncGenerator<MethodEvent, T>,
): Promise<T> {
  const sink = await fileJournal(join(out, 'journal.jsonl'), fresh);
  if (sink.lines.length > 1) terminal.note(`resuming from ${sink.name}`);
  resumesOnInterruption(fresh);
  const progress = new SearchProgress(terminal);
  try {
    const events = begin(sink);
    for (;;) {
      const next = await events.next();
      if (next.done === true) return next.value;
      progress.show(next.value);
      await turn();
    }
  } finally {
    progress.close();
    await sink.close();
  }
}
