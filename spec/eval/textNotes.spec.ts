import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { readTokens } from '../../src/eval/tokenData.ts';
import { TextNotes } from '../../src/eval/textNotes.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';

const notesOf = (...pieces: string[]): string[] => {
  const notes = new TextNotes();
  for (const piece of pieces) notes.watch(piece);
  return notes.sentences();
};

describe('notes on a text', () => {
  it.each<[string, string, RegExp[]]>([
    ['plain lines', 'a\nb\n', []],
    ['CRLF', 'a\r\nb\r\n', [/^2 lines end in CRLF\. The model reads each \\r as text/]],
    ['CRLF and LF', 'a\r\nb\nc\n', [/^1 line ends in CRLF, and 2 in LF\./]],
    ['lone CR', 'a\rb\r', [/^There are 2 lone \\r, as old Macs/]],
    ['one CR at the end', 'a\r', [/^There is 1 lone \\r/]],
    ['CR before CRLF', 'a\r\r\n', [/^1 line ends in CRLF\./, /^There is 1 lone/]],
    ['NUL', 'a\0b\0', [/^There are 2 NUL characters/]],
    ['a mark inside', 'a\uFEFFb', [/^There is 1 byte order mark inside/]],
  ])('%s', (_, text, wanted) => {
    const notes = notesOf(text);
    expect(notes).toHaveLength(wanted.length);
    for (const [at, pattern] of wanted.entries()) expect(notes[at]).toMatch(pattern);
  });

  test.prop([fc.array(fc.constantFrom('a', '\r', '\n', '\r\n', '\0', '\uFEFF')), fc.array(fc.nat(60))])(
    'do not depend on how the text comes',
    (parts, cuts) => {
      const text = parts.join('');
      const at = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b);
      expect(notesOf(...at.slice(1).map((end, index) => text.slice(at[index], end)))).toEqual(notesOf(text));
    },
  );

  it('are taken of rows, not of what ends the lines of a .jsonl', async () => {
    const bytes = byteTokenizer({}, 'bytes');
    const read = async (name: string, text: string): Promise<readonly string[]> =>
      (await readTokens([{ name, pieces: [text] }], () => bytes, { join: '\n' })).notes;
    expect(await read('a.jsonl', '{"text":"a"}\r\n{"text":"b"}\r\n')).toEqual([]);
    expect(await read('a.jsonl', '{"text":"a\\r\\n"}\n{"text":"b\\r"}\n')).toHaveLength(2);
    expect(await read('a.txt', '\uFEFFa\n')).toEqual(['A byte order mark at the start was left out.']);
    expect(await read('a.jsonl', '\uFEFF{"text":"a"}')).toEqual([]);
  });
});
