import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { AccessError, NotFoundError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { fileJournal } from '../../src/platform/nodeJournal.ts';
import { withFolder } from '../hub/withHub.ts';

const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' '));
const lines = fc.array(line, { maxLength: 6 });

async function append(path: string, texts: readonly string[], fresh = false): Promise<readonly string[]> {
  const journal = await fileJournal(path, fresh);
  for (const text of texts) await journal.append(text);
  await journal.close();
  return journal.lines;
}

test.prop([fc.array(lines, { maxLength: 4 })], { numRuns: 25 })(
  'what was appended is there when it is opened again',
  async (runs) => {
    await withFolder(async (folder) => {
      const path = join(folder, 'journal.jsonl');
      const all: string[] = [];
      for (const run of runs) {
        expect(await append(path, run)).toEqual(all);
        all.push(...run);
      }
      expect(await append(path, [])).toEqual(all);
      expect(await append(path, ['anew'], true)).toEqual([]);
      expect(await readFile(path, 'utf8')).toBe('anew\n');
    });
  },
);

test.prop([lines, fc.nat(), lines, fc.uint8Array({ maxLength: 9 })], { numRuns: 40 })(
  'killed after any byte: the whole lines stay, the torn one is cut, and what follows is a line of its own',
  async (before, cut, after, damage) => {
    await withFolder(async (folder) => {
      const path = join(folder, 'journal.jsonl');
      // Bytes that are not UTF-8 must not move the cut.
      const whole = Buffer.concat([
        damage.filter((byte) => byte !== 10),
        Buffer.from(before.map((text) => `${text}\n`).join('')),
      ]);
      const torn = whole.subarray(0, cut % (whole.length + 1));
      await writeFile(path, torn);
      const kept = torn.subarray(0, torn.lastIndexOf('\n') + 1);
      const found = await append(path, after);
      expect(found).toEqual(kept.toString().split('\n').slice(0, -1));
      // Nothing is touched before there is something to append.
      const rest = after.length === 0 ? torn.subarray(kept.length) : after.map((text) => `${text}\n`).join('');
      expect(await readFile(path)).toEqual(Buffer.concat([kept, Buffer.from(rest)]));
    });
  },
);

it('a line is in the file once append has returned', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'journal.jsonl');
    const journal = await fileJournal(path, false);
    for (let i = 1; i <= 3; i++) {
      await journal.append(`${i}`);
      expect(await readFile(path, 'utf8')).toBe(['', '1\n', '1\n2\n', '1\n2\n3\n'][i]);
    }
    expect(journal).toMatchObject({ name: path, lines: [] });
    await journal.close();
    await expect(journal.append('late')).rejects.toThrow(AccessError);
    await appendFile(path, 'torn');
    expect(await append(path, [], true)).toEqual([]);
  });
});

it('a folder in its place or none to lie in is a typed error', async () => {
  await withFolder(async (folder) => {
    await expect(fileJournal(folder, false)).rejects.toMatchObject({
      name: 'AccessError',
      message: `${folder}: is a folder.`,
    });
    await expect(fileJournal(join(folder, 'no', 'journal'), true)).rejects.toThrow(NotFoundError);
  });
});

test.prop([lines, lines])('the journal in memory does the same', async (before, after) => {
  const given = [...before];
  const journal = memoryJournal(given);
  for (const text of after) await journal.append(text);
  expect(journal.lines).toEqual(before);
  expect(journal.all).toEqual([...before, ...after]);
  expect(given).toEqual(before);
});

it('lines of many megabytes, and many lines, come back as they were', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'journal.jsonl');
    const texts = ['\uFEFFa', 'é'.repeat(2 ** 21), ...Array.from({ length: 20_000 }, (_, index) => `${index}`)];
    await writeFile(path, texts.map((text) => `${text}\n`).join(''));
    expect(await append(path, [])).toEqual(texts);
  });
});
