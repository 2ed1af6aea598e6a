/** CRLF and CR as LF: the same text however it comes, said in notes and convention. */
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { chunkData } from '../../src/eval/chunks.ts';
import { conventionOf } from '../../src/eval/convention.ts';
import { LfLineEnds } from '../../src/eval/lineEnds.ts';
import { readTokens, type TextFile, type TokenData } from '../../src/eval/tokenData.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { settingsOf, tiny } from './evalFixtures.ts';

const bytes = byteTokenizer({}, 'bytes');
const read = (files: readonly TextFile[]): Promise<TokenData> =>
  readTokens(files, () => bytes, { join: '|', newlines: 'lf' });
const pieces = fc.array(fc.constantFrom('a', '\r', '\n', '\r\n', ''), { maxLength: 20 });

test.prop([pieces])('pieces give what the whole gives', (parts) => {
  const lf = new LfLineEnds();
  const found = parts.map((part) => lf.take(part)).join('') + lf.end();
  expect(found).toBe(parts.join('').replaceAll('\r\n', '\n').replaceAll('\r', '\n'));
});

test.prop([pieces, pieces])('a text that ends in CR does not reach into the next one', async (first, second) => {
  fc.pre([first, second].every((parts) => parts.includes('a')));
  const { ids } = await read([
    { name: 'a.txt', pieces: first },
    { name: 'b.json', pieces: [JSON.stringify([second.join(''), '\n'])] },
  ]);
  const asLf = (parts: string[]): string => parts.join('').replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  expect(bytes.decode([...ids])).toBe(`${asLf(first)}|${asLf(second)}|\n`);
});

it('is said, in notes and in the convention', async () => {
  const { notes } = await read([{ name: 'a.txt', pieces: ['a\r\nb\rc\n'] }]);
  expect(notes).toEqual([
    '1 line ends in CRLF, and 1 in LF. They were read as LF.',
    expect.stringMatching(/^There is 1 lone \\r, as old Macs ended lines\. They were read as LF\.$/),
  ]);
  const data = { kind: 'rows' as const, rows: ['a'.repeat(20)] };
  const chunks = chunkData('x', data, tiny, bytes, settingsOf({ chunk: 8, newlines: 'lf' }));
  expect(conventionOf(chunks, 'f64')).toMatchObject({
    newlines: 'lf',
    text: expect.stringContaining('line ends read as LF'),
  });
});
