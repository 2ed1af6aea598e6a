import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { chunkData, chunkTokens, readingOf, type Chunks } from '../../src/eval/chunks.ts';
import { readIdStream } from '../../src/eval/idStream.ts';
import { parseData } from '../../src/eval/textData.ts';
import { readTokens, type ReadSettings, type TextPieces, type TokenData } from '../../src/eval/tokenData.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { settingsOf, tiny } from './evalFixtures.ts';

const bytes = byteTokenizer({ bos: '<s>' }, 'bytes');
const settings = { join: '\n\n' };

/** Reads one file. */
function readFile(name: string, pieces: TextPieces, more: Partial<ReadSettings> = {}): Promise<TokenData> {
  return readTokens([{ name, pieces }], () => bytes, { ...settings, ...more });
}

/** A text in pieces, between any two units. */
function inPieces(text: string, cuts: readonly number[]): string[] {
  const at = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}
const someCuts = fc.array(fc.nat(10_000), { maxLength: 20 });
const line = fc.string({ unit: 'grapheme', maxLength: 20 });
const visible = (text: string): boolean => text.trim() !== '';

const someFile = fc
  .oneof(
    fc.array(line, { minLength: 1 }).map((lines) => ['x.txt', lines.join('\n')] as const),
    fc
      .array(line, { minLength: 1 })
      .map((rows) => ['x.jsonl', rows.map((text) => JSON.stringify({ text })).join('\r\n')] as const),
    fc.array(fc.nat(250), { minLength: 1 }).map((ids) => ['x.json', JSON.stringify(ids)] as const),
  )
  .filter(([, content]) => visible(content.replaceAll('\uFEFF', '')));

describe('data in pieces', () => {
  test.prop([someFile, someCuts, fc.integer({ min: 1, max: 40 }), fc.boolean()])(
    'have the ids of the whole file',
    async ([name, content], cuts, partLength, mark) => {
      const data = parseData(name, content, 'text');
      const want = data.kind === 'ids' ? data.ids : bytes.encode(data.rows.join('\n\n'));
      const pieces = inPieces(mark ? `\uFEFF${content}` : content, cuts);
      const found = await readFile(name, pieces, { partLength });
      expect([...found.ids]).toEqual(want);
      expect(found).toMatchObject({ kind: data.kind, whole: true });
    },
  );

  test.prop([someFile, someCuts, fc.integer({ min: 2, max: 40 }), fc.constantFrom('auto', 'none', 'stream', 'chunk')])(
    'are cut into the same chunks, read as far as --tokens needs',
    async ([name, content], cuts, tokens, bos) => {
      const data = parseData(name, content, 'text');
      const evaluation = settingsOf({ chunk: 2, tokens, bos });
      let read = 0;
      function* counted(): Generator<string> {
        for (const piece of inPieces(content, cuts)) {
          read++;
          yield piece;
        }
      }
      const act = async (): Promise<unknown> => {
        const { limit } = readingOf(evaluation);
        const ids = await readFile(name, counted(), { partLength: 1, limit });
        const { wholeText: _, ...chunks } = chunkTokens(name, ids, tiny, bytes, evaluation);
        return chunks;
      };
      let want: unknown;
      try {
        const { wholeText: _, ...chunks } = chunkData(name, data, tiny, bytes, evaluation);
        want = chunks;
      } catch (error) {
        await expect(act()).rejects.toThrow((error as Error).message);
        return;
      }
      expect(await act()).toEqual({ ...(want as object), notes: expect.anything() });
      expect(read).toBeLessThanOrEqual(cuts.length + 1);
    },
  );

  it('are read no further than needed', async () => {
    let read = 0;
    function* endless(): Generator<string> {
      for (;;) {
        read++;
        yield 'First Citizen: speak, speak.\n';
      }
    }
    const found = await readFile('x.txt', endless(), { limit: 100, partLength: 32 });
    expect(found).toMatchObject({ whole: false, ids: { length: 100 } });
    expect(read).toBeLessThan(10);
    function* rows(): Generator<string> {
      for (;;) yield `{"text":"${'ab'.repeat(20)}"}\n`;
    }
    expect((await readFile('x.jsonl', rows(), { limit: 100, partLength: 32 })).whole).toBe(false);
  });

  it.each([
    ['x.txt', [' \n', '\t'], /x.txt: the file is empty/],
    ['x.txt', ['\uFEFF', '\n'], /empty/],
    ['x.jsonl', ['\n', ' \r\n'], /empty/],
    ['x.json', [' ', ''], /empty/],
    ['x.jsonl', ['{"text":"a"}\n{"te', 'xt":1}'], /x.jsonl:2: field 'text' is the number 1/],
    ['x.parquet', ['a,b'], /none of the endings .txt/],
  ])('%s of %o is refused with its reason', async (name, pieces, message) => {
    const failed = readFile(name, pieces);
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(message);
  });
});

describe('texts one by one', () => {
  const rows = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', ' ', '\n', '"'), maxLength: 12 }), {
    minLength: 1,
    maxLength: 6,
  });
  test.prop([rows, someCuts, fc.option(fc.integer({ min: 2, max: 40 }))])(
    'from pieces are those of the whole, cut into the same windows',
    async (texts, cuts, tokens) => {
      fc.pre(texts.some((text) => text !== ''));
      const content = texts.map((text) => JSON.stringify({ text })).join('\n');
      const evaluation = settingsOf({ convention: 'document', chunk: 5, tokens });
      const data = await readFile('x.jsonl', inPieces(content, cuts), readingOf(evaluation));
      const { starts = [] } = data;
      const ids = starts.map((start, index) => [...data.ids.subarray(start, starts[index + 1])]);
      expect(ids).toEqual(texts.slice(0, starts.length).map((text) => [...new TextEncoder().encode(text)]));
      const config = { ...tiny, eosTokenIds: [7], bosTokenId: null };
      const want = chunkData('x.jsonl', parseData('x.jsonl', content, 'text'), config, bytes, evaluation);
      const { wholeText } = want;
      expect(chunkTokens('x.jsonl', data, config, bytes, evaluation)).toEqual({
        ...want,
        wholeText,
        notes: expect.anything(),
      });
    },
  );

  it('are whole files where a file is one text, read as far as needed', async () => {
    const file = (name: string, ...pieces: string[]): { name: string; pieces: string[] } => ({ name, pieces });
    const files = [file('a.txt', 'ab', 'c d', ' e'), file('b.txt', 'fgh'), file('c.txt', 'i')];
    const data = await readTokens(files, () => bytes, { join: '\n\n', separate: true, limit: 8 });
    expect(data).toMatchObject({ starts: [0, 7], words: [3, 1], whole: false, ids: { length: 10 } });
    expect(data.notes[0]).toBe('3 files were read in this order: a.txt, b.txt, c.txt.');
  });

  it('of token ids are one', async () => {
    const data = await readFile('x.json', ['[1,2,3,4,5]'], { separate: true, limit: 5 });
    expect(data.starts).toBeUndefined();
    const of = (tokens: number | null): Chunks =>
      chunkTokens('x.json', data, tiny, null, settingsOf({ convention: 'document', tokens }));
    expect(of(null)).toMatchObject({ wholeText: true, ids: { length: 1 } });
    expect([...of(4).ids[0]]).toEqual([1, 2, 3, 4]);
    expect(of(4).wholeText).toBe(false);
  });
});

describe('a large array of ids', () => {
  const spaced = fc.array(fc.tuple(fc.nat(2 ** 31 - 1), fc.constantFrom('', ' ', '\r\n ')), { maxLength: 30 });
  test.prop([spaced, someCuts])('is read in pieces as JSON would be', async (entries, cuts) => {
    const text = ` [${entries.map(([id, space]) => `${space}${id}${space}`).join(',')}]\n`;
    const { ids, whole } = await readIdStream('x.json', inPieces(text, cuts), Infinity, 0);
    expect([...ids]).toEqual(JSON.parse(text));
    expect(whole).toBe(true);
  });

  it('takes every number that is an id, and no more than asked for', async () => {
    const { ids } = await readIdStream('x.json', ['[1e3, 2.0', ', 7]'], Infinity, 0);
    expect([...ids]).toEqual([1000, 2, 7]);
    expect(await readIdStream('x.json', ['[1,2,', '3,4', ',5]'], 2, 0)).toMatchObject({ whole: false });
  });

  it.each([
    ['[1,2', /does not end/],
    ['[1 2]', /not a flat array.*entry 1/],
    ['[1,]', /not a flat array/],
    ['[,1]', /not a flat array/],
    ['{"a":1}', /not a flat array/],
    ['[1]]', /not a flat array/],
    ['["a"]', /not a flat array/],
    ['[2.5]', /entry 0 is the number 2.5/],
    ['[0,-1]', /entry 1 is the number -1/],
    ['[1-2]', /not a flat array/],
    [`[${'1'.repeat(50)}]`, /not a flat array/],
    [' ', /file is empty|does not end/],
  ])('%s is refused', async (text, message) => {
    for (const pieces of [[text], [...text], [`${text} `]]) {
      await expect(readIdStream('x.json', pieces, Infinity, 0)).rejects.toThrow(message);
    }
  });
});
