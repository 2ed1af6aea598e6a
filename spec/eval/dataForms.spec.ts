/** Every form of a data file gives the rows that were written, however it comes. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { dataForm, dataName, fileName, withoutDataEnding } from '../../src/eval/dataForm.ts';
import { parseData } from '../../src/eval/textData.ts';
import { readTokens, type TextFile } from '../../src/eval/tokenData.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';

const bytes = byteTokenizer({}, 'bytes');
const JOIN = '\n\n';

/** Writers of rows, as plain as they can be. */
const writers: Readonly<Record<string, (rows: readonly string[]) => string>> = {
  csv: (rows) => table(rows, ',', '\n'),
  'csv in CRLF': (rows) => table(rows, ',', '\r\n'),
  tsv: (rows) => table(rows, '\t', '\n'),
  'tsv in CR': (rows) => table(rows, '\t', '\r'),
  jsonl: (rows) => rows.map((text) => `${JSON.stringify({ id: 1, text })}\n`).join(''),
  'json of rows': (rows) => JSON.stringify(rows.map((text, id) => ({ id: [id, { text: 'no' }], text }))),
  'json of rows, indented': (rows) =>
    JSON.stringify(
      rows.map((text) => ({ text, more: ['[', '"]'] })),
      null,
      2,
    ),
  'json of texts': (rows) => JSON.stringify(rows),
};

function table(rows: readonly string[], separator: string, lineEnd: string): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const plain = (text: string): string => (/["\r\n]/.test(text) || text.includes(separator) ? quoted(text) : text);
  return ['id,text', ...rows.map((text, id) => `${id},${text === '' ? '""' : '\0'}`)]
    .map((line) => line.replace(',', separator))
    .map((line, index) => line.replace('\0', () => plain(rows[index - 1])) + lineEnd)
    .join('');
}

const ending = (form: string): string => `x.${form.split(' ')[0]}`;
const row = fc.string({
  unit: fc.oneof(
    fc.constantFrom(',', '"', '\n', '\r', '\t', '[', ']', '{', '\\', 'é', '😀'),
    fc.string({ maxLength: 3 }),
  ),
  maxLength: 12,
});
const rows = fc.array(row, { minLength: 1, maxLength: 8 }).filter((all) => all.join('').trim() !== '');
const cuts = fc.array(fc.nat(1000), { maxLength: 12 });

/** A text in pieces, between any two units. */
function inPieces(text: string, at: readonly number[]): string[] {
  const ends = [0, ...at.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b);
  return ends.slice(1).map((end, index) => text.slice(ends[index], end));
}

async function idsOf(...files: TextFile[]): Promise<number[]> {
  return [...(await readTokens(files, () => bytes, { join: JOIN, partLength: 7 })).ids];
}

describe.each(Object.keys(writers))('%s', (form) => {
  test.prop([rows])('gives the rows that were written', (written) => {
    expect(parseData(ending(form), writers[form](written), 'text')).toEqual({ kind: 'rows', rows: written });
  });

  test.prop([rows, cuts, fc.boolean()])('gives the same ids in pieces as at once', async (written, at, mark) => {
    const pieces = inPieces(`${mark ? '\uFEFF' : ''}${writers[form](written)}`, at);
    expect(await idsOf({ name: ending(form), pieces })).toEqual(bytes.encode(written.join(JOIN)));
  });

  test.prop([rows, rows])('is joined to a file of any form before it', async (before, after) => {
    const name = Object.keys(writers)[before.length % Object.keys(writers).length];
    const files = [
      { name: ending(name), pieces: [writers[name](before)] },
      { name: ending(form), pieces: [writers[form](after)] },
    ];
    expect(await idsOf(...files)).toEqual(bytes.encode([...before, ...after].join(JOIN)));
  });
});

describe('several files', () => {
  const files: TextFile[] = [
    { name: 'runs/a.txt', pieces: ['first'] },
    { name: 'b.csv', pieces: ['id,body\n1,"second\r\nline"\n'], field: 'body' },
    { name: 'c.md', pieces: ['\uFEFF', 'third'] },
  ];

  it('are joined in their order, and the notes say so', async () => {
    const read = await readTokens(files, () => bytes, { join: '|' });
    expect(bytes.decode([...read.ids])).toBe('first|second\r\nline|third');
    expect(read).toMatchObject({ kind: 'rows', whole: true });
    expect(read.notes).toEqual([
      '3 files were joined in this order: a.txt, b.csv, c.md.',
      expect.stringMatching(/^b\.csv: 1 line ends in CRLF/),
      'c.md: A byte order mark at the start was left out.',
    ]);
  });

  it('are read no further than needed, and those that were not read are named', async () => {
    let opened = 0;
    function* last(): Generator<string> {
      opened++;
      yield 'never';
    }
    const read = await readTokens([files[0], { name: 'z.txt', pieces: last() }], () => bytes, {
      join: '|',
      limit: 3,
      partLength: 2,
    });
    expect(read).toMatchObject({ whole: false, ids: { length: 3 } });
    expect(read.notes[1]).toBe('Not read, because those before have enough tokens: z.txt.');
    expect(opened).toBe(0);
  });

  test.prop([fc.array(fc.array(fc.nat(1000)), { minLength: 2, maxLength: 4 }), fc.integer({ min: 1, max: 12 })])(
    'of token ids are one stream of them',
    async (lists, limit) => {
      const idFiles = lists.map((ids, index) => ({ name: `${index}.json`, pieces: [JSON.stringify(ids)] }));
      const all = lists.flat();
      const noTokenizer = (): never => expect.fail('ids take no tokenizer');
      expect([...(await readTokens(idFiles, noTokenizer, { join: '|' })).ids]).toEqual(all);
      const some = await readTokens(idFiles, noTokenizer, { join: '|', limit });
      expect([...some.ids]).toEqual(all.slice(0, limit));
      expect(some.kind).toBe('ids');
    },
  );

  it.each([
    [['a.txt', 'b.json'], /^b\.json: holds token ids where the others hold text/],
    [['b.json', 'a.txt'], /^a\.txt: holds token ids where the others hold text, or the other way round/],
    [['a.txt', 'empty.md'], /^empty\.md: the file is empty/],
    [['a.txt', 'x.pdf'], /^x\.pdf: has none of the endings/],
  ])('%j are refused', async (names, message) => {
    const content: Readonly<Record<string, string>> = { 'a.txt': 'a', 'b.json': ' [\n1]' };
    const mixed = names.map((name) => ({ name, pieces: [content[name] ?? ' \n'] }));
    const failed = readTokens(mixed, () => bytes, { join: '' });
    await expect(failed).rejects.toThrow(DataError);
    await expect(failed).rejects.toThrow(message);
  });

  it('are closed, also where reading fails before their content is wanted', async () => {
    let closed = 0;
    async function* kept(text: string): AsyncGenerator<string> {
      try {
        yield text;
        yield text;
      } finally {
        closed++;
      }
    }
    const noTokenizer = (): never => {
      throw new DataError('no tokenizer');
    };
    await expect(readTokens([{ name: 'a.json', pieces: kept('["a"') }], noTokenizer, { join: '' })).rejects.toThrow();
    expect(closed).toBe(1);
    const mixed = [
      { name: 'a.txt', pieces: ['a'] },
      { name: 'b.json', pieces: kept('[1,') },
    ];
    await expect(readTokens(mixed, () => bytes, { join: '' })).rejects.toThrow(/where the others/);
    expect(closed).toBe(2);
  });
});

describe('names', () => {
  it('say what a file holds, in capitals or not, packed or not', () => {
    expect(dataForm('A.TXT.GZ')).toEqual({ form: 'text', gzip: true });
    expect(dataForm('wiki.test.raw')).toEqual({ form: 'text', gzip: false });
    expect(dataForm('a.json.jsonl')).toEqual({ form: 'jsonl', gzip: false });
    for (const name of ['a.gz', 'txt', 'a.txt.gz.gz', 'a.txt ', 'csv', 'atxt']) {
      expect(() => dataForm(name), name).toThrow(DataError);
    }
  });

  it('are short in documents', () => {
    expect(fileName('a/b\\c.txt')).toBe('c.txt');
    expect(withoutDataEnding('a.b.Csv.gz')).toBe('a.b');
    expect(dataName(['x/a.txt'])).toBe('a.txt');
    expect(dataName(['a.txt', 'b/c.csv', 'd.md'])).toBe('a.txt + c.csv + d.md');
    expect(dataName(['a', 'b', 'c', 'd', 'e'])).toBe('a + b + 3 more');
  });
});
