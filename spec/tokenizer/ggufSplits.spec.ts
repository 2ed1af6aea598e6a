/**
 * Every name of a split against python `tokenizers` with the models' published patterns, over one
 * small vocabulary of pieces that cross every border: the ids say where words were split.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from '../../src/errors.ts';
import { preTokenizers, unsupportedPreTokenizers } from '../../src/tokenizer/ggufSplits.ts';
import { ggufTokenizer } from '../../src/tokenizer/ggufTokenizer.ts';
import { byteSymbols } from './smallTokenizers.ts';

interface Golden {
  merges: string[];
  texts: string[];
  groups: { names: string[]; ids: string[] }[];
}

const golden = JSON.parse(readFileSync(new URL('data/ggufSplits.json', import.meta.url), 'utf8')) as Golden;
const tokens = [
  ...byteSymbols().toSorted((a, b) => (a < b ? -1 : 1)),
  ...golden.merges.map((pair) => pair.replace(' ', '')),
];
const metadata = (pre: string): Map<string, unknown> =>
  new Map<string, unknown>([
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', pre],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.merges', golden.merges],
  ]);
const names = golden.groups.flatMap((group) => group.names);

it('every supported name has goldens, and every golden a supported name', () => {
  expect(names.toSorted()).toEqual(Object.keys(preTokenizers).toSorted());
  expect(new Set(names).size).toBe(names.length);
});

describe.each(golden.groups)('$names', ({ names: [name, ...others], ids }) => {
  it('splits as the published patterns do', () => {
    const tokenizer = ggufTokenizer(metadata(name), name);
    for (const [index, text] of golden.texts.entries()) {
      expect(tokenizer.encode(text).join(' '), text).toBe(ids[index]);
      expect(tokenizer.decode(tokenizer.encode(text)).normalize()).toBe(text.normalize());
    }
  });

  it('under all its names', () => {
    for (const other of others) expect(preTokenizers[other]).toEqual(preTokenizers[name]);
  });
});

it.each(Object.entries(unsupportedPreTokenizers))('%s is refused: %s', (name, reason) => {
  const read = () => ggufTokenizer(metadata(name), 'x.gguf');
  expect(Object.hasOwn(preTokenizers, name)).toBe(false);
  expect(read).toThrow(UnsupportedModelError);
  expect(read).toThrow(`x.gguf: tokenizer.ggml.pre "${name}" is not supported: ${reason}. `);
});
