import { open } from 'node:fs/promises';
import type { JournalSink } from './journalSink.ts';
import { accessError } from './nodeFile.ts';

/**
 * A journal file, one line a record, each synced to disk before `append` returns. A last line without its newline is
 * what a killed process leaves of a write: it is cut off.
 * @param fresh start over, dropping what is there.
 * @throws AccessError when the file cannot be opened or written.
 */
export async function fileJournal(path: string, fresh: boolean): Promise<JournalSink> {
  const handle = await open(path, fresh ? 'w+' : 'a+').catch((cause: unknown) => {
    throw accessError(path, cause);
  });
  const bytes = await handle.readFile();
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) await handle.truncate(end);
  const complete = bytes.toString('utf8', 0, end);
  return {
    name: path,
    lines: complete === '' ? [] : complete.slice(0, -1).split('\n'),
    async append(line) {
      try {
        await handle.appendFile(`${line}\n`);
        await handle.datasync();
      } catch (cause) {
        throw accessError(path, cause);
      }
    },
    close: () => handle.close(),
  };
}
