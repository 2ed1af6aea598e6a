import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { heatPanels } from '../../../src/prune/report/heatCells.ts';
import { renderHeatLegend, renderHeatPanel } from '../../../src/prune/report/heatMap.ts';
import { DENSE_RAMP, heatLevel, STEP_RAMP } from '../../../src/prune/report/heatRamp.ts';
import { arbitraryResult } from './arbitraryResult.ts';
import { elementsOf, parseMarkup, textOf, withClass, type Node } from './parseMarkup.ts';

/** Shapes that stand for a candidate. */
function cellsOf(drawing: Node): Node[] {
  return withClass(drawing, 'cell');
}

describe('candidate heat map', () => {
  test.prop([arbitraryResult()])('every candidate of every step has one cell that names it', (result) => {
    const shown = heatPanels(result).flatMap((panel) => cellsOf(parseMarkup(renderHeatPanel(result, panel).markup)));
    const names = shown.map((node) => textOf(node).split(' · perplexity')[0]);
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

  test.prop([arbitraryResult()])('the best candidate of a step has the first colour of its step', (result) => {
    for (const cell of heatPanels(result).flatMap(({ cells }) => cells)) {
      if (cell.removed) expect(cell.candidate.ppl).toBe(cell.best);
    }
    for (const panel of heatPanels(result)) {
      const best = cellsOf(parseMarkup(renderHeatPanel(result, panel).markup)).filter((node) =>
        textOf(node).includes('rank 1 of '),
      );
      expect(best.every(({ attributes }) => attributes.class.split(' ').includes('s0'))).toBe(true);
    }
  });

  test.prop([arbitraryResult()])('one colour against dense means one cost, in whatever step', (result) => {
    const dense = result.dense.ppl;
    for (const panel of heatPanels(result)) {
      const shown = cellsOf(parseMarkup(renderHeatPanel(result, panel).markup));
      const classes = shown.flatMap(({ attributes }) => attributes.class.split(' '));
      if (dense === null) expect(classes.filter((name) => /^d\d$/.test(name))).toEqual([]);
      for (const { candidate, removed, step } of panel.cells) {
        const words = `Step ${step.step} · ${candidate.block} · perplexity `;
        const node = shown.find((cell) => textOf(cell).startsWith(words));
        if (candidate.ppl === null || dense === null) continue;
        const level = heatLevel(candidate.ppl, dense, DENSE_RAMP);
        expect(Math.abs(Number(/\bd(\d)\b/.exec(node?.attributes.class ?? '')?.[1]) - level)).toBeLessThanOrEqual(
          nearBound(candidate.ppl / dense) ? 1 : 0,
        );
        expect(textOf(node ?? { name: '', attributes: {}, children: [] }).includes(', removed')).toBe(removed);
      }
    }
  });

  test.prop([arbitraryResult()])('ranks count those that are lower, of all of the step', (result) => {
    for (const { candidate, rank, step } of heatPanels(result).flatMap(({ cells }) => cells)) {
      const { ppl } = candidate;
      if (ppl === null) expect(rank).toBeNull();
      else expect(rank).toBe(1 + step.candidates.filter((other) => other.ppl !== null && other.ppl < ppl).length);
    }
  });

  test.prop([arbitraryResult()])('a row has its cells from the first step on', (result) => {
    for (const panel of heatPanels(result)) {
      for (const row of withClass(parseMarkup(renderHeatPanel(result, panel).markup), 'row')) {
        const steps = cellsOf(row).map((cell) => Number(/^Step (\d+)/.exec(textOf(cell))?.[1]));
        expect(steps).toEqual(steps.toSorted((a, b) => a - b));
        expect(new Set(steps).size).toBe(steps.length);
      }
    }
  });

  test.each([
    ['d', DENSE_RAMP],
    ['s', STEP_RAMP],
  ] as const)('the legend of %s explains every level', (letter, ramp) => {
    const drawing = parseMarkup(renderHeatLegend(ramp, letter).markup);
    const of = (name: string): Node[] => elementsOf(drawing).filter((node) => node.name === name);
    expect(of('rect').map(({ attributes }) => attributes.class)).toEqual(
      ramp.labels.map((_, level) => `${letter}${level}`),
    );
    expect(of('text').map(textOf)).toEqual(ramp.labels);
  });
});

/** Rounding may tip what lies on a bound. */
function nearBound(factor: number): boolean {
  return DENSE_RAMP.bounds.some((bound) => Math.abs(factor / bound - 1) < 1e-9);
}
