/** Files, folders and journals in memory: what the other kinds do, without a disk. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, NotFoundError } from '../../src/errors.ts';
import { memorySink } from '../../src/platform/fileSink.ts';
import { memoryJournal, splitLines } from '../../src/platform/journalSink.ts';
import { memoryBytes, memoryFolder } from '../../src/platform/memoryBytes.ts';

const content = fc.uint8Array({ maxLength: 40 });
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('bytes in memory', () => {
  test.prop([content, fc.integer({ min: -3, max: 50 }), fc.integer({ min: -3, max: 50 })])(
    'give any range within them, and refuse one that leaves them',
    async (bytes, offset, length) => {
      const source = memoryBytes('x.bin', bytes);
      expect([source.name, source.size]).toEqual(['x.bin', bytes.length]);
      const inside = offset >= 0 && length >= 0 && offset + length <= bytes.length;
      if (inside) expect(await source.read(offset, length)).toEqual(bytes.slice(offset, offset + length));
      else {
        const words = `truncated: ${length} bytes at ${offset} lie outside its ${bytes.length} bytes.`;
        await expect(source.read(offset, length)).rejects.toThrow(new FormatError(words, { where: 'x.bin' }));
      }
      await source.assertUnchanged();
    },
  );

  it('are handed out as a copy: a reader may write into what it got', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const source = memoryBytes('x.bin', bytes);
    (await source.read(0, 3)).fill(9);
    expect(await source.read(0, 3)).toEqual(Uint8Array.of(1, 2, 3));
  });

  test.prop([fc.dictionary(fc.string({ maxLength: 5 }), content, { maxKeys: 5 })])(
    'make a folder of the files they are given',
    async (files) => {
      const folder = memoryFolder('model', new Map(Object.entries(files)));
      expect([...folder.files].toSorted()).toEqual(Object.keys(files).toSorted());
      for (const [name, bytes] of Object.entries(files)) {
        const source = await folder.open(name);
        expect([source.name, await source.read(0, source.size)]).toEqual([name, bytes]);
      }
      await expect(folder.open('not there')).rejects.toThrow(NotFoundError);
      await expect(folder.open('not there')).rejects.toThrow('model/not there: is not there.');
    },
  );
});

describe('a sink in memory', () => {
  test.prop([fc.array(content, { maxLength: 6 })])(
    'holds its pieces in a row once it is closed, not before',
    async (pieces) => {
      const files = new Map([['f', bytesOf('before')]]);
      const sink = await memorySink(files)('f');
      const buffer = new Uint8Array(40);
      for (const piece of pieces) {
        // The writer uses its memory again for the next piece.
        buffer.set(piece);
        await sink.write(buffer.subarray(0, piece.length));
        buffer.fill(255);
      }
      expect(files.get('f')).toEqual(bytesOf('before'));
      await sink.close();
      expect([...(files.get('f') ?? [])]).toEqual(pieces.flatMap((piece) => [...piece]));
    },
  );

  test.prop([content, fc.boolean()])('aborted leaves what was there before, or nothing', async (bytes, before) => {
    const files = new Map(before ? [['f', bytesOf('before')]] : []);
    const sink = await memorySink(files)('f');
    await sink.write(bytes);
    await sink.abort();
    expect([...files.keys()]).toEqual(before ? ['f'] : []);
    expect(files.get('f')).toEqual(before ? bytesOf('before') : undefined);
  });

  it('writes two files at once, each its own', async () => {
    const files = new Map<string, Uint8Array>();
    const open = memorySink(files);
    const [a, b] = [await open('a'), await open('folder/b')];
    for (const turn of [1, 2, 3]) {
      await a.write(Uint8Array.of(turn));
      await b.write(Uint8Array.of(-turn));
    }
    await b.close();
    await a.close();
    expect(Object.fromEntries(files)).toEqual({ a: Uint8Array.of(1, 2, 3), 'folder/b': Uint8Array.of(255, 254, 253) });
  });
});

describe('the lines of a journal', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\r', '\ufeff', '\0', ' ') });

  test.prop([fc.array(line), line])('are those that end; what stands behind them is torn', (lines, torn) => {
    const whole = lines.map((text) => `${text}\n`).join('');
    const bytes = bytesOf(whole + torn);
    expect(splitLines(bytes)).toEqual({ lines, end: bytesOf(whole).length, torn });
  });

  test.prop([fc.array(line), fc.nat(200)])('stay as they were wherever a write was torn', (lines, cut) => {
    const bytes = bytesOf(lines.map((text) => `${text}\n`).join(''));
    const { lines: found, end } = splitLines(bytes.subarray(0, cut));
    expect(lines.slice(0, found.length)).toEqual(found);
    expect(splitLines(bytes.subarray(end)).lines).toEqual(lines.slice(found.length));
  });

  test.prop([fc.array(line), fc.array(line)])(
    'in memory: those found stay apart from those appended',
    async (old, added) => {
      const start = [...old];
      const journal = memoryJournal(start);
      for (const text of added) await journal.append(text);
      expect([journal.lines, journal.torn]).toEqual([old, '']);
      expect(journal.all).toEqual([...old, ...added]);
      expect(start).toEqual(old);
    },
  );
});
