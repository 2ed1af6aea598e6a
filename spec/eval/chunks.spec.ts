import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { chunkData, ignoredTargets, isScored, type Chunks, type EvalSettings } from '../../src/eval/chunks.ts';
import { conventionOf } from '../../src/eval/convention.ts';
import type { RawData } from '../../src/eval/textData.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { BOS, settingsOf, someCut, tiny, VOCAB, type Cut } from './evalFixtures.ts';

const bytes = byteTokenizer({}, 'bytes');
const bytesWithBos = byteTokenizer({ bos: '<s>' }, 'bytes');

const idsUpTo = (length: number): RawData => ({ kind: 'ids', ids: Array.from({ length }, (_, index) => index) });
const cut = ({ length, ...settings }: Cut, config = tiny): Chunks =>
  chunkData('ids.json', idsUpTo(length), config, null, settingsOf(settings));

/** Ids of the targets that count, in order. */
function scoredIds(chunks: Chunks): number[] {
  return chunks.ids.flatMap((ids, index) =>
    [...ids.subarray(1)].filter((_, target) => isScored(chunks, index, target)),
  );
}

describe('chunks', () => {
  test.prop([someCut])('are runs of the stream, a stride apart, as many as fit; the rest is counted', (drawn) => {
    const { length, chunk, stride, bos } = drawn;
    const { ids, droppedTokens } = cut(drawn);
    const stream = [...(bos === 'stream' ? [BOS] : []), ...Array.from({ length }, (_, index) => index)];
    const own = bos === 'chunk' ? chunk - 1 : chunk;
    const step = Math.min(stride, own);
    for (const [index, row] of ids.entries()) {
      const want = stream.slice(index * step, index * step + own);
      expect([...row]).toEqual(bos === 'chunk' ? [BOS, ...want] : want);
      expect(row).toHaveLength(chunk);
    }
    expect((ids.length - 1) * step + own + droppedTokens).toBe(stream.length);
    expect(droppedTokens).toBeLessThan(step);
  });

  test.prop([someCut])('overlapping or each with a BOS, they score every token they hold once', (drawn) => {
    fc.pre(drawn.stride < drawn.chunk || drawn.bos === 'chunk');
    const chunks = cut(drawn);
    const held = [...new Set(chunks.ids.flatMap((row) => [...row]))];
    // Nothing comes before the first token of the stream, whether it is a BOS or not.
    const first = drawn.bos === 'none' ? 0 : BOS;
    expect(scoredIds(chunks)).toEqual(held.filter((id) => id !== first));
  });

  test.prop([someCut])('one after another, they score all but the first token of each', (drawn) => {
    const chunks = cut({ ...drawn, stride: drawn.chunk });
    expect(scoredIds(chunks)).toEqual(chunks.ids.flatMap((row) => [...row.subarray(1)]));
  });

  test.prop([someCut, fc.integer({ min: 1, max: 30 })])(
    'targets with the pad id are ignored and counted once',
    (...drawn) => {
      const [settings, padTokenId] = drawn;
      const all = scoredIds(cut(settings));
      const chunks = cut(settings, { ...tiny, padTokenId });
      expect(scoredIds(chunks)).toEqual(all.filter((id) => id !== padTokenId));
      expect(ignoredTargets(chunks)).toBe(all.filter((id) => id === padTokenId).length);
      expect(chunks.ignoredId).toBe(padTokenId);
    },
  );

  test.prop([fc.string({ unit: 'grapheme', minLength: 20, maxLength: 60 }), someCut])(
    'scoredBytes is the bytes of the targets that count: a BOS stands for none',
    (text, { chunk, stride, bos }) => {
      const data: RawData = { kind: 'rows', rows: [text] };
      fc.pre(bytes.encode(text).length >= chunk);
      const chunks = chunkData('x.txt', data, tiny, bytesWithBos, settingsOf({ chunk, stride, bos }));
      expect(chunks.scoredBytes).toBe(scoredIds(chunks).filter((id) => id < 256).length);
    },
  );
});

describe('chunks of which no target counts', () => {
  const padded = { ...tiny, padTokenId: 5 };
  const ofIds = (ids: number[], settings: Partial<Cut>): Chunks =>
    chunkData('ids.json', { kind: 'ids', ids }, padded, null, settingsOf({ bos: 'none', ...settings }));

  it('are left out and counted', () => {
    const chunks = ofIds([1, 2, 3, 1, 5, 5, 5, 5, 5, 6], { chunk: 3 });
    expect(chunks.ids.map((row) => [...row])).toEqual([[1, 2, 3]]);
    expect(chunks).toMatchObject({ skipped: { chunks: 2 }, droppedTokens: 1 });
    expect(ignoredTargets(chunks)).toBe(4);
  });

  test.prop([someCut, fc.array(fc.constantFrom(1, 5, 5, 5, 5), { minLength: 130, maxLength: 130 })])(
    'change nothing of what others score, wherever they stand and however they overlap',
    ({ length, ...settings }, drawn) => {
      const ids = [...drawn.slice(0, length - 1), 1];
      const whole = chunkData('x', { kind: 'ids', ids }, tiny, null, settingsOf(settings));
      const targets = scoredIds(whole);
      const counted = targets.filter((id) => id !== 5).length;
      fc.pre(counted > 0);
      const chunks = ofIds(ids, settings);
      expect(scoredIds(chunks)).toHaveLength(counted);
      expect(ignoredTargets(chunks)).toBe(targets.length - counted);
      expect(chunks.ids.length + chunks.skipped.chunks).toBe(whole.ids.length);
      for (const [index, row] of chunks.ids.entries()) {
        expect([...row.keys()].some((at) => at + 1 < row.length && isScored(chunks, index, at))).toBe(true);
      }
    },
  );

  it('are an error where there are no others', () => {
    expect(() => ofIds([1, 5, 5, 5, 5, 5], { chunk: 3 })).toThrow(/every target is the pad id 5, which is not scored/);
  });
});

describe('ids that are ignored, as in the official code', () => {
  it.each([null, 0])('none where the pad id is %o', (padTokenId) => {
    const chunks = cut({ length: 8, chunk: 4, stride: 4, bos: 'none' }, { ...tiny, padTokenId });
    expect(chunks.ignoredId).toBeNull();
    expect(ignoredTargets(chunks)).toBe(0);
  });
});

describe('the stream', () => {
  const rows: RawData = { kind: 'rows', rows: ['ab', 'cd', 'ef'] };

  it('is the rows joined, then tokenised at once', () => {
    const chunks = chunkData('x.jsonl', rows, tiny, bytes, settingsOf({ chunk: 10 }));
    expect(chunks.ids.map((row) => bytes.decode([...row]))).toEqual(['ab\n\ncd\n\nef']);
    expect(chunks).toMatchObject({ join: '\n\n', bos: 'none', chunk: 10, stride: 10, scoredBytes: 9 });
    const joined = chunkData('x.jsonl', rows, tiny, bytes, settingsOf({ chunk: 2, join: '' }));
    expect(joined.ids.map((row) => bytes.decode([...row]))).toEqual(['ab', 'cd', 'ef']);
  });

  it('keeps the first tokens asked for, a BOS of the stream among them', () => {
    const chunks = chunkData('x.jsonl', rows, tiny, bytesWithBos, settingsOf({ chunk: 3, bos: 'stream', tokens: 7 }));
    expect(chunks.ids.map((row) => [...row])).toEqual([
      [256, 97, 98],
      [10, 10, 99],
    ]);
    expect(chunks.droppedTokens).toBe(1);
  });

  it('auto: one BOS where the tokenizer adds one itself, never before ids', () => {
    const auto = settingsOf({ chunk: 4 });
    expect(chunkData('x.jsonl', rows, tiny, bytesWithBos, auto)).toMatchObject({ bos: 'stream' });
    expect(chunkData('x.jsonl', rows, tiny, bytes, auto)).toMatchObject({ bos: 'none' });
    const ids = chunkData('x.json', idsUpTo(4), tiny, bytesWithBos, auto);
    expect(ids).toMatchObject({ bos: 'none', ids: [Int32Array.of(0, 1, 2, 3)] });
  });

  it('takes the tokenizer’s BOS before the config’s', () => {
    const settings = settingsOf({ chunk: 4, bos: 'chunk' });
    expect(chunkData('x', rows, tiny, bytesWithBos, settings).ids[0][0]).toBe(256);
    expect(chunkData('x', rows, tiny, bytes, settings).ids[0][0]).toBe(BOS);
  });

  describe('that begins with a BOS of its own', () => {
    const data: RawData = { kind: 'rows', rows: ['<s>abcdefg'] };
    const cutText = (bos: EvalSettings['bos']): Chunks =>
      chunkData('x.txt', data, tiny, bytesWithBos, settingsOf({ chunk: 4, bos }));

    it.each(['auto', 'stream', 'none'] as const)('gets no second one: %s', (bos) => {
      const chunks = cutText(bos);
      expect(chunks.ids.map((row) => [...row])).toEqual([
        [256, 97, 98, 99],
        [100, 101, 102, 103],
      ]);
      expect(chunks).toMatchObject({ bos: bos === 'none' ? 'none' : 'stream', bosInData: true, droppedTokens: 0 });
    });

    it('gets none before the one of the first chunk', () => {
      const chunks = cutText('chunk');
      expect(chunks.ids.map((row) => [...row])).toEqual([
        [256, 97, 98, 99],
        [256, 100, 101, 102],
      ]);
      expect(chunks).toMatchObject({ bos: 'chunk', bosInData: true, droppedTokens: 1 });
    });

    it('keeps what it begins with where that is two', () => {
      const twice: RawData = { kind: 'rows', rows: ['<s><s>ab'] };
      const chunks = chunkData('x.txt', twice, tiny, bytesWithBos, settingsOf({ chunk: 4 }));
      expect(chunks.ids.map((row) => [...row])).toEqual([[256, 256, 97, 98]]);
    });

    test.prop([someCut])('as ids, too, and says so', (drawn) => {
      const { length, ...settings } = drawn;
      const own = Array.from({ length }, (_, index) => index);
      const given = chunkData('x.json', { kind: 'ids', ids: [BOS, ...own] }, tiny, null, settingsOf(settings));
      const added = chunkData('x.json', { kind: 'ids', ids: own }, tiny, null, settingsOf(settings));
      expect([given.bosInData, added.bosInData]).toEqual([true, false]);
      expect(conventionOf(given, 'f64').text).toContain('the data begin with one');
      expect(conventionOf(added, 'f64').text).not.toContain('the data begin with one');
      // Where a BOS is asked for, it is the same stream as if the data had none.
      if (settings.bos !== 'none') expect({ ...given, bosInData: false }).toEqual(added);
    });
  });

  it('is cut into chunks of 2048 tokens or the model’s context where none is said', () => {
    expect(chunkData('x', idsUpTo(200), tiny, null, settingsOf({})).chunk).toBe(tiny.maxPositionEmbeddings);
    const long: RawData = { kind: 'ids', ids: Array.from({ length: 5000 }, () => 1) };
    const config = { ...tiny, maxPositionEmbeddings: 4096 };
    expect(chunkData('x', long, config, null, settingsOf({}))).toMatchObject({ chunk: 2048, droppedTokens: 904 });
  });
});

describe('what is refused', () => {
  it.each([
    ['a stream shorter than a chunk', idsUpTo(7), { chunk: 8 }, /7 tokens are fewer than one chunk of 8/],
    ['an empty stream', idsUpTo(0), { chunk: 2 }, /0 tokens/],
    ['no tokens kept', idsUpTo(10), { chunk: 2, tokens: 0 }, /0 tokens/],
    ['a chunk of one token', idsUpTo(10), { chunk: 1 }, /predicts nothing/],
    ['a chunk of no whole number', idsUpTo(10), { chunk: 2.5 }, /--chunk/],
    ['a chunk beyond the context', idsUpTo(100), { chunk: 65 }, /context of 64/],
    ['a stride of 0', idsUpTo(10), { chunk: 4, stride: 0 }, /stride of 0/],
    ['a stride beyond the chunk', idsUpTo(10), { chunk: 4, stride: 5 }, /stride of 5/],
    ['an id outside the vocabulary', { kind: 'ids', ids: [1, 2, VOCAB, 3] }, { chunk: 2 }, /id 1000 \(at 2\)/],
    ['text without a tokenizer', { kind: 'rows', rows: ['some text'] }, { chunk: 2 }, /needs a tokenizer/],
  ] as const)('%s', (_, data, settings, message) => {
    const act = (): Chunks => chunkData('file', data as RawData, tiny, null, settingsOf(settings));
    expect(act).toThrow(DataError);
    expect(act).toThrow(message);
  });

  it.each(['stream', 'chunk'] as const)('a BOS (%s) that neither tokenizer nor config has', (bos) => {
    const config = { ...tiny, bosTokenId: null };
    expect(() => chunkData('x', idsUpTo(10), config, bytes, settingsOf({ chunk: 4, bos }))).toThrow(/no BOS token/);
  });
});
