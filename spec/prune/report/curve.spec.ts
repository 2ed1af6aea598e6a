import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { plotArea, renderCurve } from '../../../src/prune/report/curve.ts';
import { curvePoints } from '../../../src/prune/report/curvePoints.ts';
import type { PruneResult } from '../../../src/prune/result.ts';
import { arbitraryResult } from './arbitraryResult.ts';
import { childText, parseMarkup, textOf, withClass, type Node } from './parseMarkup.ts';

const size = fc.constantFrom({ width: 920, height: 400 }, { width: 380, height: 340 });

function positionOf(node: Node): { x: number; y: number } {
  const [, x, y] = /^translate\(([\d.]+) ([\d.]+)\)$/.exec(node.attributes.transform) ?? [];
  return { x: Number(x), y: Number(y) };
}

const finiteCount = (result: PruneResult): number => curvePoints(result).filter(({ ppl }) => ppl !== null).length;

describe('perplexity curve', () => {
  test.prop([arbitraryResult(), size])(
    'points go right with every removal and stay in the plot area',
    (result, { width, height }) => {
      const curve = renderCurve(result, width, height);
      fc.pre(curve !== null);
      const drawing = parseMarkup(curve?.markup ?? '');
      const places = withClass(drawing, 'point').map(positionOf);
      const area = plotArea(width, height);
      expect(places).toHaveLength(finiteCount(result));
      expect(places.every(({ x }, index) => index === 0 || x > places[index - 1].x)).toBe(true);
      expect(places.every(({ x, y }) => x > area.left && x < area.right && y >= area.top && y <= area.bottom)).toBe(
        true,
      );
    },
  );

  test.prop([arbitraryResult(), size])('a higher perplexity is never drawn lower', (result, { width, height }) => {
    const curve = renderCurve(result, width, height);
    fc.pre(curve !== null);
    const heights = withClass(parseMarkup(curve?.markup ?? ''), 'point').map((node) => positionOf(node).y);
    const finite = curvePoints(result).flatMap(({ ppl }) => (ppl === null ? [] : [ppl]));
    const order = finite.map((ppl, index) => ({ ppl, y: heights[index] })).toSorted((a, b) => a.ppl - b.ppl);
    expect(order.every(({ y }, index) => index === 0 || y <= order[index - 1].y)).toBe(true);
  });

  test.prop([arbitraryResult()])('there is a curve exactly from two finite points on', (result) => {
    expect(renderCurve(result, 920, 400) === null).toBe(finiteCount(result) < 2);
  });

  test.prop([arbitraryResult()])('every near-tie is ringed, the last removal named', (result) => {
    const curve = renderCurve(result, 920, 400);
    fc.pre(curve !== null);
    const drawing = parseMarkup(curve?.markup ?? '');
    const points = curvePoints(result);
    expect(withClass(drawing, 'near-tie')).toHaveLength(points.filter(({ nearTie }) => nearTie).length);
    const last = points[points.length - 1];
    const names = withClass(drawing, 'point-label').map((node) => textOf(node).replace(' ≈', ''));
    expect(names[names.length - 1]).toBe(last.label);
  });

  test.prop([arbitraryResult()])('points count the blocks that are gone', (result) => {
    const removed = curvePoints(result).map((point) => point.removed);
    expect(removed[0]).toBe(0);
    expect(removed[removed.length - 1]).toBe(result.removed.length);
  });

  test.prop([arbitraryResult()])('each point says in words what it is', (result) => {
    const curve = renderCurve(result, 920, 400);
    fc.pre(curve !== null);
    for (const node of withClass(parseMarkup(curve?.markup ?? ''), 'point')) {
      expect(childText(node, 'title')).toMatch(/^(Dense model|L\d+(\.mha|\.mlp)? removed, \d+ in all): perplexity /);
    }
  });
});
