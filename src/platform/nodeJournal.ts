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
  const text = await handle.readFile('utf8');
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  if (complete.length < text.length) await handle.truncate(Buffer.byteLength(complete));
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
