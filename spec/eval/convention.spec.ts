import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { chunkData, isScored, type Chunks } from '../../src/eval/chunks.ts';
import { conventionOf, summarise } from '../../src/eval/convention.ts';
import { settingsOf, someCut, tiny, type Cut } from './evalFixtures.ts';

const cut = ({ length, ...settings }: Cut, padTokenId: number | null = null): Chunks => {
  const ids = Array.from({ length }, (_, index) => index);
  return chunkData('ids.json', { kind: 'ids', ids }, { ...tiny, padTokenId }, null, settingsOf(settings));
};

describe('conventionOf', () => {
  test.prop([someCut])('carries what the chunks were cut with, and says it', (settings) => {
    const { chunk, stride, bos } = settings;
    const convention = conventionOf(cut(settings, 5), 'f64');
    expect(convention).toMatchObject({ chunk, stride, bos, join: '\n\n', ignoredId: 5, nllSum: 'f64' });
    expect(convention.text).toContain(`chunks of ${chunk} tokens`);
    expect(convention.text.includes(`every ${stride} tokens`)).toBe(stride < chunk);
    expect(convention.text).toContain({ none: 'no BOS', stream: 'one BOS', chunk: 'a BOS at every', auto: '' }[bos]);
    expect(convention.text).toContain('pad id 5');
    expect(convention.text).toContain(String.raw`"\n\n"`);
  });

  it('speaks of a pad id and of f32 sums only where there are some', () => {
    const chunks = cut({ length: 10, chunk: 4, stride: 4, bos: 'none' });
    expect(conventionOf(chunks, 'f64').text).not.toMatch(/pad|f32/);
    expect(conventionOf(chunks, 'f32').text).toMatch(/f32/);
  });
});

test.prop([someCut])('summarise: every target of the stream is scored or ignored', (settings) => {
  const chunks = cut(settings, 3);
  const scored = chunks.ids.flatMap((ids, index) => [...ids.subarray(1)].filter((_, t) => isScored(chunks, index, t)));
  const summary = summarise('ids.json', chunks, scored.length, 'abc');
  const targets = new Set(cut(settings).ids.flatMap((ids) => [...ids.subarray(1)])).size;
  expect(summary.scoredTokens + summary.ignoredTokens).toBe(targets);
  expect(summary).toMatchObject({
    name: 'ids.json',
    hash: 'abc',
    chunks: chunks.ids.length,
    skippedChunks: cut(settings).ids.length - chunks.ids.length,
    droppedTokens: chunks.droppedTokens,
  });
});
