import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect, it } from 'vitest';
import { AccessError, NotFoundError } from '../../src/errors.ts';
import { memorySink, type OpenSink } from '../../src/platform/fileSink.ts';
import { folderSink } from '../../src/platform/nodeFileSink.ts';

const root = mkdtempSync(join(tmpdir(), 'blockpruner-sink-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

/** A new folder with one file in it. */
function place(): string {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  writeFileSync(join(folder, 'old'), 'old');
  return folder;
}

interface Kind {
  name: string;
  open: (folder: string, files: Map<string, Uint8Array>) => OpenSink;
  read: (folder: string, files: Map<string, Uint8Array>) => Record<string, string>;
}

const kinds: Kind[] = [
  {
    name: 'a folder',
    open: (folder) => folderSink(folder),
    read: (folder) =>
      Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')])),
  },
  {
    name: 'memory',
    open: (_, files) => memorySink(files),
    read: (_, files) =>
      Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('latin1')])),
  },
];

describe.each(kinds)('a sink of $name', ({ open, read }) => {
  test.prop(
    [fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 5 }), fc.constantFrom('old', 'new'), fc.boolean()],
    { numRuns: 40 },
  )('has all pieces when it is closed, and what was there before until then', async (pieces, name, aborted) => {
    const folder = place();
    const files = new Map([['old', Buffer.from('old')]]) as Map<string, Uint8Array>;
    const sink = await open(folder, files)(name);
    for (const piece of pieces) {
      const bytes = piece.slice();
      await sink.write(bytes);
      // The caller's again.
      bytes.fill(1);
      expect(read(folder, files).old).toBe('old');
    }
    await (aborted ? sink.abort() : sink.close());
    const whole = Buffer.concat(pieces).toString('latin1');
    expect(read(folder, files)).toEqual(aborted ? { old: 'old' } : { old: 'old', [name]: whole });
  });
});

describe('a sink of a folder', () => {
  it('makes the folders of a name', async () => {
    const folder = place();
    const sink = await folderSink(folder)('a/b/c.txt');
    await sink.write(Buffer.from('x'));
    await sink.close();
    expect(readFileSync(join(folder, 'a', 'b', 'c.txt'), 'utf8')).toBe('x');
  });

  it('names the file where its folder is not there, or goes away, and leaves nothing', async () => {
    await expect(folderSink(join(root, 'nowhere'))('x.bin')).rejects.toThrow(NotFoundError);
    const folder = place();
    const sink = await folderSink(folder)('x.bin');
    await sink.write(Buffer.from('x'));
    rmSync(folder, { recursive: true });
    await expect(sink.close()).rejects.toThrow(/x\.bin: cannot be written: its folder is not there, or not any more/);
    await sink.abort();
  });

  it('says where a folder is in the way, and is free to be aborted then', async () => {
    const folder = place();
    mkdirSync(join(folder, 'x.bin'));
    const sink = await folderSink(folder)('x.bin');
    await sink.write(Buffer.from('x'));
    await expect(sink.close()).rejects.toThrow(AccessError);
    await sink.abort();
    expect(readdirSync(folder).toSorted()).toEqual(['old', 'x.bin']);
  });

  it('writes nothing after it was closed', async () => {
    const sink = await folderSink(place())('x.bin');
    await sink.close();
    await expect(sink.write(Buffer.from('x'))).rejects.toThrow(/x\.bin/);
  });
});
