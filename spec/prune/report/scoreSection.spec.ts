import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { scoreSection } from '../../../src/prune/report/scoreSection.ts';
import { renderReport } from '../../../src/prune/report/report.ts';
import type { MethodScore, PruneResult } from '../../../src/prune/result.ts';
import { arbitraryResult } from './arbitraryResult.ts';
import { childText, elementsOf, parseMarkup, textOf, withClass, type Node } from './parseMarkup.ts';

const scored = (): fc.Arbitrary<PruneResult & { scores: MethodScore[] }> =>
  arbitraryResult().filter((result): result is PruneResult & { scores: MethodScore[] } => result.scores !== undefined);
const drawn = (result: PruneResult): Node[] => withClass(parseMarkup(scoreSection(result)?.markup ?? ''), 'bar');
const lengths = (result: PruneResult): Map<string, number> =>
  new Map(
    drawn(result).map((bar) => {
      const rect = elementsOf(bar).find(({ name }) => name === 'rect');
      return [(childText(bar, 'title') ?? '').split(':')[0], Number(rect?.attributes.width)];
    }),
  );

describe('the picture of scores', () => {
  test.prop([scored()])('has a bar for each candidate that names it, and says when it went', (result) => {
    const titles = drawn(result).map((bar) => childText(bar, 'title') ?? '');
    expect(titles.map((title) => title.split(':')[0]).toSorted()).toEqual(
      result.scores.map(({ block }) => block).toSorted(),
    );
    for (const { removed, step } of result.steps) {
      if (removed === null) continue;
      const title = titles.find((text) => text.startsWith(`${removed}:`));
      expect(title).toMatch(new RegExp(`, removed at step ${step}$`));
    }
    const gone = result.steps.filter(({ removed }) => removed !== null).length;
    expect(titles.filter((title) => title.endsWith(', kept'))).toHaveLength(result.scores.length - gone);
  });

  test.prop([scored()])('draws a higher score no shorter, and all within the page', (result) => {
    const length = lengths(result);
    const finite = result.scores.filter(({ score }) => score !== null);
    for (const { block } of result.scores) {
      expect(length.get(block)).toBeGreaterThanOrEqual(1);
      expect(length.get(block)).toBeLessThanOrEqual(190.01);
    }
    const ordered = finite
      .toSorted((a, b) => (a.score ?? 0) - (b.score ?? 0))
      .map(({ block }) => length.get(block) ?? NaN);
    for (const [index, width] of ordered.slice(1).entries()) expect(width).toBeGreaterThanOrEqual(ordered[index]);
  });

  test.prop([scored()])('says of a score without a bar what it is', (result) => {
    const words = textOf(parseMarkup(scoreSection(result)?.markup ?? ''));
    expect(words.includes('is not a finite number has no bar')).toBe(result.scores.some(({ score }) => score === null));
    for (const bar of drawn(result)) expect(textOf(bar)).not.toMatch(/null|undefined|Infinity/);
  });

  test.prop([arbitraryResult()])('stands in the report in place of the heat map, or not at all', (result) => {
    const page = renderReport(result);
    expect(page.includes('id="scores"')).toBe(result.scores !== undefined);
    expect(page.includes('id="candidates"')).toBe(result.scores === undefined);
    expect(page.includes('This greedy search is BlockPruner')).toBe(result.scores === undefined);
  });
});

describe('lengths', () => {
  const withScores = (scores: readonly number[]): PruneResult => {
    const [result] = fc.sample(
      arbitraryResult({ layers: 3 }).filter(({ kind, model }) => kind === 'mha' && model.numHiddenLayers === 3),
      { numRuns: 1, seed: 1 },
    );
    return { ...result, steps: [], scores: scores.map((score, layer) => ({ block: `L${layer}.mha`, score })) };
  };
  it.each([
    ['begin at 0', [0.5, 1, 2], [47.5, 95, 190]],
    ['begin at the lowest where one is below 0', [-1, 0, 1], [1, 95, 190]],
    ['are logarithmic from tenfold on', [1, 10, 100], [3.8, 96.9, 190]],
    ['are full where all are equal', [0, 0, 0], [190, 190, 190]],
    ['hold the widest span of numbers', [-1.7e308, 0, 1.7e308], [1, 95, 190]],
  ])('%s', (_, scores, expected) => {
    const found = [...lengths(withScores(scores)).values()];
    for (const [index, width] of found.entries()) expect(width).toBeCloseTo(expected[index], 1);
  });
});
