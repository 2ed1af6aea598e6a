import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { heatPanels } from '../../../src/prune/report/heatCells.ts';
import { renderHeatLegend, renderHeatPanel } from '../../../src/prune/report/heatMap.ts';
import { LEVEL_LABELS } from '../../../src/prune/report/heatRamp.ts';
import { arbitraryResult } from './arbitraryResult.ts';
import { childText, elementsOf, parseMarkup, textOf, withClass, type Node } from './parseMarkup.ts';

/** Shapes that stand for a candidate: they say so in their title. */
function cellsOf(drawing: Node): Node[] {
  return elementsOf(drawing).filter(
    (node) => node.name !== 'svg' && (childText(node, 'title') ?? '').startsWith('Step '),
  );
}

describe('candidate heat map', () => {
  test.prop([arbitraryResult()])('every candidate of every step has one cell that names it', (result) => {
    const shown = heatPanels(result).flatMap((panel) => cellsOf(parseMarkup(renderHeatPanel(result, panel).markup)));
    const names = shown.map((node) => (childText(node, 'title') ?? '').split(' · perplexity')[0]);
    const expected = result.steps.flatMap(({ step, candidates }) =>
      candidates.map(({ block }) => `Step ${step} · ${block}`),
    );
    expect(names.toSorted()).toEqual(expected.toSorted());
  });

  test.prop([arbitraryResult()])(
    'removed candidates are outlined, those without a finite perplexity crossed',
    (result) => {
      const drawings = heatPanels(result).map((panel) => parseMarkup(renderHeatPanel(result, panel).markup));
      const count = (className: string): number => drawings.flatMap((drawing) => withClass(drawing, className)).length;
      expect(count('chosen')).toBe(result.steps.filter(({ removed }) => removed !== null).length);
      expect(count('not-finite')).toBe(
        result.steps.flatMap(({ candidates }) => candidates).filter(({ ppl }) => ppl === null).length,
      );
    },
  );

  test.prop([arbitraryResult()])('the best candidate of a step has the first colour', (result) => {
    for (const cell of heatPanels(result).flatMap(({ cells }) => cells)) {
      if (cell.removed) expect(cell.candidate.ppl).toBe(cell.best);
    }
    for (const panel of heatPanels(result)) {
      const best = cellsOf(parseMarkup(renderHeatPanel(result, panel).markup)).filter((node) =>
        textOf(node).includes(', the best'),
      );
      expect(best.every(({ attributes }) => attributes.class === 'heat-0')).toBe(true);
    }
  });

  test('the legend explains every level', () => {
    const drawing = parseMarkup(renderHeatLegend().markup);
    expect(
      elementsOf(drawing)
        .filter(({ name }) => name === 'rect')
        .map(({ attributes }) => attributes.class),
    ).toEqual(LEVEL_LABELS.map((_, level) => `heat-${level}`));
    expect(
      elementsOf(drawing)
        .filter(({ name }) => name === 'text')
        .map(textOf),
    ).toEqual(LEVEL_LABELS);
  });
});
