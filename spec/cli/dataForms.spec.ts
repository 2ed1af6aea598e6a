/**
 * Every form of data on the command line: the same rows in each, and the tokens that an independent
 * program counts in them.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Convention, DataSummary } from '../../src/eval/convention.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-forms-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Rows with all that must be quoted somewhere; two of them long. */
const rows = ['First, "hear" me speak.', 'café, naïve; 5"\tor so', 'two\nlines\r\n', 'so it ends: 😀'.repeat(20)];
const csv = 'id,text\n1,"First, ""hear"" me speak."\n2,"café, naïve; 5""\tor so"\n3,"two\nlines\r\n"\n4,LAST\n';
const files: Readonly<Record<string, string>> = {
  'a.txt': rows.join('\n\n'),
  'a.MD': rows.join('\n\n'),
  'wiki.test.raw': rows.join('\n\n'),
  'a.csv': csv.replace('LAST', rows[3]),
  'a.tsv': `text\tid\n${rows.map((text, id) => `"${text.replaceAll('"', '""')}"\t${id}\n`).join('')}`,
  'a.jsonl': rows.map((text) => `${JSON.stringify({ text })}\n`).join(''),
  'a.json': JSON.stringify(rows),
  'rows.json': JSON.stringify(
    rows.map((text) => ({ text })),
    null,
    1,
  ),
  'ids.json': JSON.stringify([...Buffer.from(rows.join('\n\n'))]),
};
/** Bytes of the rows joined by blank lines: Python's len('\n\n'.join(rows).encode()). */
const BYTES = 383;

beforeAll(() => {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content));
  }
});

interface Measured {
  ppl: number;
  data: DataSummary;
  convention: Convention;
}

async function measure(...args: string[]): Promise<Measured> {
  const { code, stdout, stderr } = await inProcess(
    ['perplexity', PLANTED, '--chunk', '16', '--backend', 'reference', '--json', '--quiet', ...args],
    { cwd: folder },
  );
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Measured;
}

/** Tokens of a text that is cut into chunks of 16: each scores 15. */
const tokensOf = ({ data }: Measured): number => data.chunks * 16 + data.droppedTokens;

describe('the same rows', () => {
  it.each(Object.keys(files))(
    '%s, plain and packed, have as many tokens as they have bytes, and one hash',
    async (name) => {
      const [plain, packed] = [await measure('--data', name), await measure('--data', `${name}.gz`)];
      expect([tokensOf(plain), tokensOf(packed)]).toEqual([BYTES, BYTES]);
      expect(packed.data.hash).toBe(plain.data.hash);
      expect(plain.data.hash).toBe((await measure('--data', 'a.txt')).data.hash);
      expect(packed.data.name).toBe(`${name}.gz`);
    },
  );
});

describe('options of data', () => {
  it('--data again joins a further file, in order', async () => {
    const both = await measure('--data', 'a.jsonl', '--data', 'a.csv.gz');
    expect(tokensOf(both)).toBe(2 * BYTES + 2);
    expect(both.data.name).toBe('a.jsonl + a.csv.gz');
    expect(both.data.notes[0]).toBe('2 files were joined in this order: a.jsonl, a.csv.gz.');
    const one = await measure('--data', 'a.jsonl');
    expect(one.data.notes.join()).not.toContain('joined');
  });

  it('--newlines lf reads CRLF as LF', async () => {
    const { data, convention } = await measure('--data', 'a.txt', '--newlines', 'lf');
    expect(data.chunks * 16 + data.droppedTokens).toBe(BYTES - 1);
    expect(convention).toMatchObject({ newlines: 'lf', text: expect.stringContaining('line ends read as LF') });
    expect(data.notes.join()).toContain('They were read as LF.');
  });

  it('--sample draws windows, the same for the same --seed', async () => {
    const sampled = ['--data', 'a.jsonl', '--sample', '6'];
    const [first, again, other] = [
      await measure(...sampled),
      await measure(...sampled, '--seed', '0'),
      await measure(...sampled, '--seed', '1'),
    ];
    expect(first.data).toMatchObject({ chunks: 6, scoredTokens: 90 });
    expect(first.convention.sample).toEqual({ windows: 6, seed: 0, from: 'stream', tokens: BYTES, texts: 1 });
    expect(again.data.hash).toBe(first.data.hash);
    expect(other.data.hash).not.toBe(first.data.hash);
    const inside = await measure(...sampled, '--sample-from', 'document');
    expect(inside.convention.sample).toMatchObject({ from: 'document', texts: 4, tokens: BYTES - 6 });
  });

  it('--field takes a column, or a path of names', async () => {
    writeFileSync(join(folder, 'deep.jsonl'), rows.map((text) => `${JSON.stringify({ a: [{ b: text }] })}\n`).join(''));
    expect(tokensOf(await measure('--data', 'deep.jsonl', '--field', 'a.0.b'))).toBe(BYTES);
    writeFileSync(join(folder, 'body.csv'), files['a.csv'].replace('id,text', 'text,body'));
    expect(tokensOf(await measure('--data', 'body.csv', '--field', 'body'))).toBe(BYTES);
  });
});
