import { AccessError, UsageError } from '../errors.ts';
import { splitLines, type JournalSink } from '../platform/journalSink.ts';
import { isPlainFileName } from '../platform/plainFileName.ts';

/**
 * What a dedicated worker has of a file in the origin's private file system (TypeScript's DOM types
 * leave it out).
 */
interface SyncAccessHandle {
  getSize(): number;
  read(into: Uint8Array, options: { at: number }): number;
  write(from: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/**
 * A journal in the origin's private file system: it outlives the page, and each line is flushed
 * before `append` returns. A last line without its newline is what a killed page leaves of a write:
 * it is cut off, as soon as there is something to append. While it is open, no other page can open
 * it.
 * @param fresh start over, dropping what is there.
 * @throws UsageError for a name with separators in it, AccessError where the file cannot be opened
 * or written.
 */
export async function opfsJournal(name: string, fresh: boolean): Promise<JournalSink> {
  if (!isPlainFileName(name)) throw new UsageError('a journal has a plain file name.', { where: 'journal' });
  const handle = await openHandle(name);
  if (fresh) handle.truncate(0);
  const bytes = new Uint8Array(handle.getSize());
  handle.read(bytes, { at: 0 });
  const { lines, torn, ...found } = splitLines(bytes);
  let { end } = found;
  return {
    name,
    lines,
    torn,
    append(line) {
      const record = new TextEncoder().encode(`${line}\n`);
      try {
        // What a killed page left of a line, or a write that was cut short.
        if (handle.getSize() > end) handle.truncate(end);
        const written = handle.write(record, { at: end });
        handle.flush();
        if (written < record.length) throw new Error(`${written} of ${record.length} bytes were written`);
        end += written;
        return Promise.resolve();
      } catch (cause) {
        const message = 'cannot be written: the browser may be short of storage.';
        return Promise.reject(new AccessError(message, { where: name, cause }));
      }
    },
    close() {
      handle.close();
      return Promise.resolve();
    },
  };
}

async function openHandle(name: string): Promise<SyncAccessHandle> {
  try {
    const root = await navigator.storage.getDirectory();
    const file = await root.getFileHandle(name, { create: true });
    return await (file as unknown as { createSyncAccessHandle(): Promise<SyncAccessHandle> }).createSyncAccessHandle();
  } catch (cause) {
    const taken = cause instanceof DOMException && cause.name === 'NoModificationAllowedError';
    throw new AccessError(taken ? 'another page writes this journal.' : 'cannot be opened in this browser.', {
      where: name,
      remedy: taken ? 'Wait for it, or give another name.' : 'Search without a journal.',
      cause,
    });
  }
}
