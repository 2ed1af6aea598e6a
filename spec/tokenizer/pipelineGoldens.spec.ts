/**
 * Ids and texts of python `tokenizers` over random settings of tokenizer.json:
 * data/pipelineGoldens.py makes them.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from '../../src/errors.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';

/**
 * A text; its ids; those with the texts of special tokens as plain text, null where they are the
 * same; the ids decoded without special tokens and with them, null where that is the same.
 */
type Row = [text: string, ids: number[], plain: number[] | null, skipped: string, kept: string | null];

interface Goldens {
  readonly tokenizers: string;
  readonly settings: [{ model: { vocab: string[] } & Record<string, unknown> }, Row[]][];
}

const file = new URL('data/pipelineGoldens.json.gz', import.meta.url);
const { tokenizers, settings } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Goldens;

function open([{ model, ...setting }]: Goldens['settings'][number]): Tokenizer | string {
  const vocab = Object.fromEntries(model.vocab.map((piece, id) => [piece, id]));
  try {
    return hfTokenizer({ ...setting, model: { ...model, vocab } }, undefined, 'x');
  } catch (error) {
    if (error instanceof UnsupportedModelError) return error.message;
    throw error;
  }
}

/** What cannot come out the same is refused by name. */
const REFUSED = [
  'x: added_tokens: added token "  " is nothing once it is normalized.',
  'x: added_tokens: added token "\\n" is nothing once it is normalized.',
  'x: pre_tokenizer: the pattern "\\\\R?x|\\\\S" uses \\R, which is not supported.',
];

describe(`python tokenizers ${tokenizers}`, () => {
  const opened = settings.map(open);
  const pairs = settings.flatMap(([, rows], index) => rows.map((row) => ({ index, row })));
  const supported = pairs.filter(({ index }) => typeof opened[index] !== 'string');

  it('gives 5,000 pairs of a setting and a text, of which we refuse no more than these', () => {
    const refused = [...new Set(opened.filter((tokenizer) => typeof tokenizer === 'string'))];
    expect(refused.toSorted()).toEqual(REFUSED);
    expect(supported.length).toBeGreaterThan(5000);
  });

  it.each([0, 1, 2, 3])('gives the same ids and the same text for all of them (part %i)', (part) => {
    const differing = supported
      .filter((_, place) => place % 4 === part)
      .filter(({ index, row: [text, ids, plain, skipped, kept] }) => {
        const tokenizer = opened[index] as Tokenizer;
        const got = [
          tokenizer.encode(text),
          tokenizer.encode(text, { parseSpecial: false }),
          tokenizer.decode(ids),
          tokenizer.decode(ids, { keepSpecial: true }),
        ];
        return JSON.stringify(got) !== JSON.stringify([ids, plain ?? ids, skipped, kept ?? skipped]);
      });
    expect(differing).toEqual([]);
  });
});
