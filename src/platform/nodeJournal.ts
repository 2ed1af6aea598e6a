import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Files } from './files.ts';
import { splitLines, type JournalSink } from './journalSink.ts';
import { accessError } from './nodeFile.ts';
import { folderFiles } from './nodeFiles.ts';
import { lockFile } from './nodeLock.ts';
import { kindOfPath } from './nodeModelFolder.ts';

/**
 * A journal file, one line a record, each synced to disk before `append` returns. A last line
 * without its newline is what a killed process leaves of a write: it is cut off, as soon as there
 * is something to append.
 * @param fresh start over, dropping what is there.
 * @throws AccessError when the file cannot be opened, read or written.
 */
export async function fileJournal(path: string, fresh: boolean): Promise<JournalSink> {
  const failed = (cause: unknown): never => {
    throw accessError(path, cause);
  };
  const handle = await open(path, fresh ? 'w+' : 'a+').catch(failed);
  const bytes = await handle.readFile().catch(async (cause: unknown) => {
    await handle.close();
    return failed(cause);
  });
  const found = splitLines(bytes);
  let { end } = found;
  /**
   * Whether something may stand behind the last whole line: a write that was cut short, now or by a
   * killed process.
   */
  let untidy = end < bytes.length;
  return {
    name: path,
    lines: found.lines,
    torn: found.torn,
    async append(line) {
      const record = Buffer.from(`${line}\n`);
      try {
        if (untidy) await handle.truncate(end);
        untidy = true;
        await handle.appendFile(record);
        await handle.datasync();
      } catch (cause) {
        failed(cause);
      }
      untidy = false;
      end += record.length;
    },
    close: () => handle.close(),
  };
}

/** The files beside such a journal, for what it names. */
export async function filesBeside(place: string): Promise<Files> {
  return folderFiles((await kindOfPath(place)) === 'folder' ? place : dirname(place));
}

/**
 * A journal at a place that a program names: a file, or `journal.jsonl` in a folder that is there.
 * A lock beside it, in a folder the command line's own, keeps other processes away until it is
 * closed.
 * @throws AccessError where the file cannot be opened, or another process writes it.
 */
export async function lockedJournal(place: string, fresh: boolean): Promise<JournalSink> {
  const file = (await kindOfPath(place)) === 'folder' ? join(place, 'journal.jsonl') : place;
  const unlock = await lockFile(`${file.replace(/\.jsonl$/, '')}.lock`, (warning) => process.emitWarning(warning));
  try {
    const sink = await fileJournal(file, fresh);
    const close = async (): Promise<void> => {
      await sink.close();
      await unlock();
    };
    return { ...sink, close };
  } catch (error) {
    await unlock();
    throw error;
  }
}
