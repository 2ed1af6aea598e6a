/** Random windows, compared with what Wanda's rules draw in Python, and their convention. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError, UsageError } from '../../src/errors.ts';
import { chunkData, chunkTokens, readingOf, type Chunks, type EvalSettings } from '../../src/eval/chunks.ts';
import { conventionOf } from '../../src/eval/convention.ts';
import { readTokens, type TokenData } from '../../src/eval/tokenData.ts';
import { drawWindows } from '../../src/eval/windows.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { BOS, settingsOf, tiny } from './evalFixtures.ts';

/** Texts of consecutive ids: a window's first id says where it began. */
function textsOf(lengths: readonly number[]): Int32Array[] {
  let next = 0;
  return lengths.map((length) => Int32Array.from({ length }, () => next++));
}
const starts = (windows: readonly Int32Array[]): number[] => windows.map(([first]) => first);

describe('windows of a stream', () => {
  it.each([
    [900, 0, [864, 394, 776, 430, 41, 265]],
    [900, 42, [654, 114, 25, 759, 281, 250]],
    [17, 3, [0, 0, 0]],
  ])('of %d tokens with seed %d begin where get_wikitext2 begins them', (length, seed, wanted) => {
    const sample = { windows: wanted.length, seed, from: 'stream' } as const;
    expect(starts(drawWindows('x', textsOf([length]), 16, sample))).toEqual(wanted);
  });
});

describe('windows of documents', () => {
  it.each([
    [[5, 40, 16, 17, 200, 3], 0, [61, 202, 61, 61, 133, 113, 8, 142]],
    [[300], 1, [32, 60, 230, 194]],
  ])('of %j tokens with seed %d begin where get_c4 begins them', (lengths, seed, wanted) => {
    const sample = { windows: wanted.length, seed, from: 'document' } as const;
    expect(starts(drawWindows('x', textsOf(lengths), 16, sample))).toEqual(wanted);
  });
});

const some = fc.record({
  lengths: fc.array(fc.nat(40), { minLength: 1, maxLength: 6 }),
  length: fc.integer({ min: 2, max: 12 }),
  windows: fc.integer({ min: 1, max: 10 }),
  seed: fc.nat(),
  from: fc.constantFrom('stream', 'document'),
});

test.prop([some])(
  'a window is a run of one text, and the same seed draws the same',
  ({ lengths, length, ...sample }) => {
    const texts = sample.from === 'stream' ? textsOf([lengths.reduce((sum, one) => sum + one, 0)]) : textsOf(lengths);
    const draw = (): Int32Array[] => drawWindows('x', texts, length, sample);
    if (texts.every((ids) => ids.length <= length)) {
      expect(draw).toThrow(DataError);
      expect(draw).toThrow(/^x: .*(?:too few|no text is longer).*--chunk/);
      return;
    }
    const windows = draw();
    expect(windows).toHaveLength(sample.windows);
    for (const window of windows) {
      expect(window).toHaveLength(length);
      const text = texts.find((ids) => ids.includes(window[0])) ?? new Int32Array(0);
      const at = text.indexOf(window[0]);
      expect(text.slice(at, at + length)).toEqual(window);
    }
    expect(draw()).toEqual(windows);
  },
);

describe('chunks of a sample', () => {
  const ids = (length: number): TokenData => ({ kind: 'ids', ids: textsOf([length])[0], whole: true, notes: [] });
  const cut = (data: TokenData, settings: Partial<EvalSettings>): Chunks =>
    chunkTokens('x', data, tiny, null, settingsOf({ chunk: 8, ...settings }));
  const sample = { windows: 5, seed: 7, from: 'stream' } as const;

  it('are its windows, and say so', () => {
    const chunks = cut(ids(100), { sample });
    expect(chunks.ids).toEqual(drawWindows('x', textsOf([100]), 8, sample));
    expect(chunks).toMatchObject({ stride: 8, droppedTokens: 0, sample: { ...sample, tokens: 100, texts: 1 } });
    const convention = conventionOf(chunks, 'f64');
    expect(convention.sample).toEqual({ ...sample, tokens: 100, texts: 1 });
    expect(convention.text).toMatch(
      /^convention paper: 5 windows of 8 tokens drawn at random \(seed 7\) from 100 tokens, no BOS, .*mean over windows of the mean NLL$/,
    );
    expect(convention.text).not.toMatch(/tail|one after another/);
  });

  it('are drawn from the first --tokens', () => {
    const chunks = cut(ids(500), { sample: { ...sample, windows: 50 }, tokens: 20 });
    expect(chunks.sample?.tokens).toBe(20);
    expect(Math.max(...chunks.ids.map((window) => window[7]))).toBeLessThan(20);
  });

  it('have a BOS in place of their last token, where each has one', () => {
    const chunks = cut(ids(100), { sample, bos: 'chunk' });
    const drawn = drawWindows('x', textsOf([100]), 7, sample);
    expect(chunks.ids.map((window) => [...window])).toEqual(drawn.map((window) => [BOS, ...window]));
  });

  it('of documents: each text has its own BOS, and no window two texts', () => {
    const data = { ...ids(60), starts: [0, 5, 30] };
    const chunks = cut(data, { sample: { windows: 200, seed: 1, from: 'document' }, bos: 'stream' });
    expect(chunks.sample).toMatchObject({ tokens: 63, texts: 3 });
    const begins = new Set(starts(chunks.ids));
    expect(begins.has(BOS)).toBe(true);
    for (const window of chunks.ids) {
      const own = [...window].filter((id) => id !== BOS);
      expect(own.every((id) => id < 30) || own.every((id) => id >= 30)).toBe(true);
      expect(own.every((id) => id >= 5)).toBe(true);
    }
    const { text } = conventionOf(chunks, 'f64');
    expect(text).toMatch(/each from one of 3 texts, a BOS at the start of each text, each text tokenised on its own/);
  });

  it('of documents end where --tokens ends', () => {
    const data = { ...ids(60), starts: [0, 20, 40] };
    const chunks = cut(data, { sample: { windows: 100, seed: 1, from: 'document' }, tokens: 35 });
    expect(chunks.sample).toMatchObject({ tokens: 35, texts: 2 });
    expect(Math.max(...chunks.ids.flatMap((window) => [...window]))).toBeLessThan(35);
  });

  it('do not go with a stride', () => {
    expect(() => cut(ids(100), { sample, stride: 4 })).toThrow(UsageError);
    expect(() => cut(ids(100), { sample, stride: 4 })).toThrow(/--stride does not go with --sample/);
  });
});

const bytes = byteTokenizer({}, 'bytes');

test.prop([fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 9 })])(
  'texts on their own have their own ids, however they come',
  async (texts, size) => {
    fc.pre(texts.join('').trim() !== '');
    const rows = JSON.stringify(texts);
    const pieces = Array.from({ length: Math.ceil(rows.length / size) }, (_, at) =>
      rows.slice(at * size, (at + 1) * size),
    );
    const files = [
      { name: 'a.json', pieces },
      { name: 'b.txt', pieces: ['last', ' text'] },
    ];
    const settings = settingsOf({ sample: { windows: 1, seed: 0, from: 'document' } });
    const read = await readTokens(files, () => bytes, { join: '|', ...readingOf(settings) });
    const all = [...texts, 'last text'].map((text) => bytes.encode(text));
    expect([...read.ids]).toEqual(all.flat());
    expect(read.starts).toEqual(all.map((_, index) => all.slice(0, index).flat().length));
  },
);

it('without a sample nothing of it is in chunks or convention', () => {
  const data = { kind: 'ids' as const, ids: Array.from({ length: 20 }, (_, id) => id) };
  const chunks = chunkData('x', data, tiny, null, settingsOf({ chunk: 8 }));
  expect(Object.keys(conventionOf(chunks, 'f64'))).toEqual([
    'text',
    'name',
    'chunk',
    'stride',
    'bos',
    'join',
    'aggregation',
    'ignoredId',
    'nllSum',
  ]);
});
