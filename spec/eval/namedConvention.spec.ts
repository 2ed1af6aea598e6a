/**
 * Each convention against the program that it comes from: figures of a numpy forward pass and of
 * those programs' own rules (conventions/golden.py), which share no line with this project.
 */
import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { DataError, UsageError } from '../../src/errors.ts';
import { chunkData, isScored, type Chunks, type EvalSettings } from '../../src/eval/chunks.ts';
import { conventionOf } from '../../src/eval/convention.ts';
import { conventionNames, isSearchable, takesTextsApart } from '../../src/eval/namedConvention.ts';
import { perplexity, type ChunkScore } from '../../src/eval/perplexity.ts';
import { parseData, type RawData } from '../../src/eval/textData.ts';
import { openModel } from '../../src/formats/openModel.ts';
import type { OpenedModel } from '../../src/formats/modelFiles.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { BOS, settingsOf, tiny } from './evalFixtures.ts';

interface Golden {
  tokens: number;
  words: number[];
  cases: { convention: EvalSettings['convention']; settings: Partial<EvalSettings>; ppl: number; page?: number }[];
}

const folder = `${import.meta.dirname}/conventions`;
const golden = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8')) as Golden;
const rows = parseData('rows.jsonl', readFileSync(`${folder}/rows.jsonl`, 'utf8'), 'text');
const bytes = byteTokenizer({ bos: '<s>', eos: '</s>' }, 'bytes');
const plainBytes = byteTokenizer({}, 'bytes');

describe('perplexity of the golden model', () => {
  let opened: OpenedModel;
  let model: Transformer;
  beforeAll(async () => {
    opened = await openModel(`${folder}/model`);
    model = await Transformer.load(opened.weights, referenceBackend(), Infinity);
  });
  afterAll(() => opened.close());

  const chunksOf = (convention: EvalSettings['convention'], settings: Partial<EvalSettings>): Chunks =>
    chunkData('rows.jsonl', rows, opened.weights.config, bytes, settingsOf({ ...settings, convention }));

  it.each(golden.cases)('by $convention of $settings is $ppl', async ({ convention, settings, ppl, page }) => {
    const chunks = chunksOf(convention, settings);
    const scores: ChunkScore[] = [];
    const found = await perplexity(model, chunks, Mask.empty, 3, (all) => void scores.splice(0, Infinity, ...all));
    expect(Math.abs(found.ppl / ppl - 1)).toBeLessThan(1e-6);
    expect(conventionOf(chunks, 'f64')).toMatchObject({ name: convention, chunk: settings.chunk });
    if (page === undefined) return;
    // Hugging Face's page counts one target too few in each window but the first.
    const weights = scores.map(
      ({ targets }, index) => targets - (index === 0 || settings.stride === settings.chunk ? 0 : 1),
    );
    const sum = scores.reduce((all, { nats, targets }, index) => all + (nats / targets) * weights[index], 0);
    expect(Math.abs(Math.exp(sum / weights.reduce((a, b) => a + b)) / page - 1)).toBeLessThan(1e-6);
  });

  it('by another convention is another figure', () => {
    const figures = golden.cases
      .filter(({ settings: { chunk, stride, bos } }) => chunk === 64 && bos !== 'none' && stride !== 24)
      .map(({ ppl }) => ppl.toFixed(3));
    expect(figures).toHaveLength(4);
    expect(new Set(figures).size).toBe(4);
  });

  it('of texts one by one is nats over tokens, and over words, of the same windows', async () => {
    const [document, word] = await Promise.all(
      (['document', 'word'] as const).map((name) => perplexity(model, chunksOf(name, { chunk: 20 }), Mask.empty)),
    );
    expect(word.natsPerToken).toBe(document.nll);
    expect(document.scoredTokens).toBe(golden.tokens - 6);
    expect(word.nll * golden.words.reduce((a, b) => a + b)).toBeCloseTo(document.nll * document.scoredTokens, 8);
    expect(word.bitsPerByte).toBe(document.bitsPerByte);
    expect(word.bitsPerByte).toBeCloseTo(document.nll / Math.LN2, 12);
  });

  it('of a window as long as the context does not read what it only predicts', async () => {
    const chunks = chunksOf('document', {});
    expect(Math.max(...chunks.ids.map(({ length }) => length))).toBe(opened.weights.config.maxPositionEmbeddings + 1);
    const [whole, grouped] = [
      await perplexity(model, chunks, Mask.empty),
      await perplexity(model, chunks, Mask.empty, 9),
    ];
    expect(grouped).toEqual(whole);
  });
});

/** Texts of distinct ids, so that an id says where it stood; their tokenizer is not asked. */
const cut = (settings: Partial<EvalSettings>, length: number): Chunks =>
  chunkData('ids.json', { kind: 'ids', ids: Array.from({ length }, (_, at) => at) }, tiny, null, settingsOf(settings));
const scored = (chunks: Chunks): number[] =>
  chunks.ids.flatMap((ids, index) => [...ids.subarray(1)].filter((_, target) => isScored(chunks, index, target)));
const lengths = fc.integer({ min: 2, max: 200 });
const sizes = fc.integer({ min: 3, max: 40 });

describe('windows', () => {
  test.prop([lengths, sizes, fc.nat()])('of hf-stride score every token but the first, once', (length, chunk, more) => {
    const stride = 1 + (more % chunk);
    const chunks = cut({ convention: 'hf-stride', chunk, stride, bos: 'none' }, length);
    const targets = Array.from({ length: length - 1 }, (_, at) => at + 1);
    // With a stride of a whole window, each later window's first token is only read.
    const unread = stride === chunk ? targets.filter((id) => id % chunk === 0) : [];
    expect(scored(chunks)).toEqual(targets.filter((id) => !unread.includes(id)));
    for (const [index, ids] of chunks.ids.entries()) {
      expect(ids[0]).toBe(index * stride);
      expect(ids.length === chunk || index === chunks.ids.length - 1).toBe(true);
      expect(ids.length).toBeGreaterThan(1);
    }
    expect(chunks.droppedTokens).toBeLessThan(2);
  });

  test.prop([lengths, sizes])('of llama.cpp score n − ⌊n/2⌋ − 1 targets each', (length, chunk) => {
    fc.pre(length >= chunk);
    const chunks = cut({ convention: 'llama.cpp', chunk }, length);
    const each = chunk - Math.floor(chunk / 2) - 1;
    expect(chunks.ids).toHaveLength(Math.floor(length / chunk));
    expect(scored(chunks)).toHaveLength(chunks.ids.length * each);
    expect(scored(chunks).slice(0, each)).toEqual(Array.from({ length: each }, (_, at) => chunk - each + at));
  });

  it('of llama.cpp begin with a BOS in place of their first token, where the tokenizer adds one', () => {
    const text: RawData = { kind: 'rows', rows: ['abcdefghijk'] };
    const by = (bos: EvalSettings['bos'], tokenizer = bytes): number[][] => {
      const settings = settingsOf({ convention: 'llama.cpp', chunk: 4, bos });
      return chunkData('x.txt', text, { ...tiny, bosTokenId: 256 }, tokenizer, settings).ids.map((ids) => [...ids]);
    };
    expect(by('auto')).toEqual([
      [256, 97, 98, 99],
      [256, 101, 102, 103],
      [256, 105, 106, 107],
    ]);
    expect(by('stream', plainBytes)).toEqual(by('auto'));
    expect(by('auto', plainBytes)).toEqual([
      [97, 98, 99, 100],
      [101, 102, 103, 104],
    ]);
    expect(by('none')).toEqual(by('auto', plainBytes));
  });

  test.prop([
    fc.array(lengths, { minLength: 1, maxLength: 5 }),
    sizes,
    fc.constantFrom('auto' as const, 'none' as const),
  ])('of texts one by one predict each token once, and nothing of another text', (texts, chunk, bos) => {
    const data: RawData = {
      kind: 'rows',
      rows: texts.map((length, index) => String.fromCharCode(97 + index).repeat(length)),
    };
    const settings = settingsOf({ convention: 'document', chunk, bos });
    const config = { ...tiny, vocabSize: 258 };
    const chunks = chunkData('x.jsonl', data, config, bytes, settings);
    for (const ids of chunks.ids) {
      expect(ids.length).toBeLessThanOrEqual(chunk + 1);
      expect(new Set([...ids].filter((id) => id < 256)).size).toBe(1);
    }
    const first = bos === 'auto' ? 0 : 1;
    expect(scored(chunks).length).toBe(texts.reduce((sum, length) => sum + length - first, 0));
    expect(chunks.texts?.spans.map(({ words }) => words)).toEqual(texts.map(() => 1));
  });

  it('of texts stop at so many tokens, of words at whole texts, and leave out what predicts nothing', () => {
    const data: RawData = { kind: 'rows', rows: ['', 'ab', 'cde', 'f'] };
    const of = (settings: Partial<EvalSettings>): Chunks =>
      chunkData(
        'x.jsonl',
        data,
        { ...tiny, vocabSize: 258 },
        bytes,
        settingsOf({ convention: 'document', ...settings }),
      );
    expect(of({}).ids.map(({ length }) => length)).toEqual([3, 4, 2]);
    expect(of({}).notes).toEqual(['1 of 4 texts predict nothing and were left out.']);
    expect(of({ bos: 'none' }).notes).toEqual(['2 of 4 texts predict nothing and were left out.']);
    expect(of({ tokens: 3 }).ids.map(({ length }) => length)).toEqual([3, 2]);
    expect(of({ tokens: 3 }).wholeText).toBe(false);
    for (const [tokens, count] of [
      [2, 1],
      [4, 1],
      [5, 2],
      [6, 3],
    ]) {
      const found = of({ convention: 'word', tokens });
      expect(found).toMatchObject({ wholeText: tokens === 6, ids: { length: count } });
    }
    expect(() => of({ convention: 'word', tokens: 1 })).toThrow(/the first text has 2 tokens, more than --tokens 1/);
    expect(of({ tokens: 2 })).toMatchObject({ wholeText: false, ids: { length: 1 } });
    expect(of({ tokens: 6 })).toMatchObject({ wholeText: true, ids: { length: 3 } });
  });

  it('have the convention’s own length and stride where none is given', () => {
    const config = { ...tiny, maxPositionEmbeddings: 4096 };
    const of = (convention: EvalSettings['convention'], context = 4096): Partial<Chunks> => {
      const ids = Array.from({ length: 5000 }, () => 1);
      const { chunk, stride } = chunkData(
        'x.json',
        { kind: 'ids', ids },
        { ...config, maxPositionEmbeddings: context },
        null,
        settingsOf({ convention }),
      );
      return { chunk, stride };
    };
    expect(of('token-mean')).toEqual({ chunk: 2048, stride: 2048 });
    expect(of('llama.cpp')).toEqual({ chunk: 512, stride: 512 });
    expect(of('llama.cpp', 100)).toEqual({ chunk: 100, stride: 100 });
    expect(of('hf-stride', 1023)).toEqual({ chunk: 1023, stride: 512 });
    expect(of('document')).toEqual({ chunk: 2048, stride: 2048 });
  });
});

describe('a convention', () => {
  it.each(conventionNames)('%s stands at the head of its words, with what it does', (convention) => {
    const words = conventionOf(
      chunkData('x', rows, { ...tiny, maxPositionEmbeddings: 64 }, bytes, settingsOf({ convention, chunk: 40 })),
      'f64',
    );
    expect(words.name).toBe(convention);
    expect(words.text).toMatch(new RegExp(`^convention ${convention}: `));
    expect(words.text.includes('joined by')).toBe(!takesTextsApart(convention));
    expect(words.text.includes('dropped')).toBe(isSearchable(convention));
    expect(words.text).toContain(convention === 'word' ? 'over their words' : 'mean');
  });

  it.each<[string, Partial<EvalSettings>, new (message: string) => Error, RegExp]>([
    [
      'a stride of llama.cpp',
      { convention: 'llama.cpp', chunk: 8, stride: 4 },
      UsageError,
      /--stride: llama.cpp has no stride/,
    ],
    [
      'a stride of document',
      { convention: 'document', chunk: 8, stride: 4 },
      UsageError,
      /--stride: document has no stride/,
    ],
    ['a chunk of 2 of llama.cpp', { convention: 'llama.cpp', chunk: 2 }, DataError, /predicts nothing. Use --chunk 3/],
    [
      '--bos chunk with llama.cpp',
      { convention: 'llama.cpp', chunk: 8, bos: 'chunk' },
      UsageError,
      /--bos: llama.cpp has a BOS of its own/,
    ],
    [
      '--bos chunk with hf-stride',
      { convention: 'hf-stride', chunk: 8, bos: 'chunk' },
      UsageError,
      /--bos: hf-stride has/,
    ],
    [
      '--bos stream with document',
      { convention: 'document', bos: 'stream' },
      UsageError,
      /--bos: document places a BOS before each text/,
    ],
    [
      'random windows with word',
      { convention: 'word', sample: { windows: 2, seed: 0, from: 'stream' } },
      UsageError,
      /--sample does not go with --convention word/,
    ],
    [
      '--bos none with word',
      { convention: 'word', bos: 'none' },
      UsageError,
      /--bos: word places a BOS before each text/,
    ],
  ])('refuses %s', (_, settings, kind, message) => {
    const act = (): Chunks => chunkData('x', rows, tiny, bytes, settingsOf(settings));
    expect(act).toThrow(kind);
    expect(act).toThrow(message);
  });

  it('of words needs text, and one of texts a token to begin with', () => {
    expect(() => cut({ convention: 'word' }, 8)).toThrow(/ids.json: token ids have no words to count/);
    expect(cut({ convention: 'document' }, 8)).toMatchObject({ bos: 'none', ids: { length: 1 } });
    const config = { ...tiny, bosTokenId: null, eosTokenIds: [] };
    const of = (eos: number[]): Chunks =>
      chunkData('x', rows, { ...config, eosTokenIds: eos }, plainBytes, settingsOf({ convention: 'document' }));
    expect(() => of([])).toThrow(/neither a BOS nor an end-of-text token/);
    expect(of([BOS]).ids[0][0]).toBe(BOS);
    expect(() =>
      chunkData('x', { kind: 'rows', rows: ['', ''] }, tiny, bytes, settingsOf({ convention: 'document' })),
    ).toThrow(/no text has a token to predict/);
  });

  it('other than the paper’s ignores no id', () => {
    const padded = { ...tiny, padTokenId: 5 };
    const ignored = conventionNames.map((convention) => {
      const data: RawData = { kind: 'rows', rows: ['abcdefgh'] };
      return chunkData('x', data, padded, bytes, settingsOf({ convention, chunk: 4 })).ignoredId;
    });
    expect(ignored).toEqual([5, null, null, null, null, null]);
  });
});
