import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../../errors.ts';
import { splitLines, type JournalSink } from '../../platform/journalSink.ts';
import { accessError } from '../../platform/nodeFile.ts';
import { nodeHasher } from '../../platform/nodeHash.ts';
import { Journal, type JournalHeader } from '../../prune/journal.ts';
import { parseLine } from '../../prune/journalRecords.ts';
import type { Recorded, RecordedPpl } from './recorded.ts';

/** A run's journal as it lies there; nothing is written to it. */
export interface ReadJournal {
  readonly sink: JournalSink;
  /** What its first line says that it belongs to. */
  readonly header: JournalHeader;
}

/** Null where the run has none. @throws FormatError for a first line that is no header. */
export async function readJournal(run: string): Promise<ReadJournal | null> {
  const name = join(run, 'journal.jsonl');
  let bytes: Buffer;
  try {
    bytes = await readFile(name);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw accessError(name, cause);
  }
  const { lines, torn } = splitLines(bytes);
  if (lines.length === 0) throw new FormatError('has no line.', { where: name });
  const header = parseLine(lines[0], `${name}:1`) as unknown as JournalHeader;
  const append = (): Promise<void> =>
    Promise.reject(new FormatError('does not have all of its steps.', { where: name }));
  return { sink: { name, lines, torn, append, close: () => Promise.resolve() }, header };
}

/**
 * Checks every line by its checksum, and that model, text and steps are the document's.
 * @returns what holds, in words. @throws FormatError naming the line that does not.
 */
export async function checkJournal({ sink, header }: ReadJournal, recorded: Recorded): Promise<string> {
  const journal = await Journal.open(sink, header, nodeHasher);
  const differs = (what: string): FormatError => {
    return new FormatError(`is of another ${what} than ${recorded.where}.`, { where: sink.name });
  };
  if (header.weights !== recorded.model.contentHash) throw differs('model');
  if (header.tokens !== recorded.data.hash) throw differs('text');
  for (const { step, removed, ...ppl } of recorded.steps) {
    // A step that removes nothing has no perplexity in the journal.
    await journal.addStep(step, removed, removed === null ? NaN : valueOf(ppl));
  }
  const lines = `${sink.lines.length} lines`;
  const steps = recorded.steps.length === 0 ? '' : `, with the document's ${recorded.steps.length} steps`;
  if (!journal.checked) return `${lines}${steps}; it is of version 0.1, whose lines carry no checksums`;
  return `${lines} fit their checksums${steps}`;
}

function valueOf({ ppl, status }: RecordedPpl): number {
  return ppl ?? (status === 'infinite' ? Infinity : NaN);
}
