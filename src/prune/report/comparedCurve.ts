import { linearTicks, perplexityAxis } from '../../drawing/axis.ts';
import { coordinate, element, type Markup } from '../../drawing/html.ts';
import { formatPercent, formatRound, formatSignificant } from '../../drawing/numbers.ts';
import { drawing, line, text, tooltip } from '../../drawing/svg.ts';
import { comparable, pointsOf, type NamedRun, type RunPoint } from './comparedRuns.ts';
import { plotArea } from './curve.ts';
import { formatPerplexity } from './perplexityWords.ts';

/** Line styles that are told apart by colour, dashes and marks alike; the seventh is the first. */
export const RUN_STYLES = 6;

const MARKS = [
  'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z',
  'M-3.5-3.5h7v7h-7Z',
  'M0-5L5 0L0 5L-5 0Z',
  'M0-4.5L4.5 3.5H-4.5Z',
  'M0 4.5L4.5-3.5H-4.5Z',
  'M-4-1.5h8v3h-8Z',
] as const;

/** A run's mark alone, as the legend shows it. */
export function runMark(index: number): Markup {
  return element('path', { d: MARKS[index % RUN_STYLES] });
}

/**
 * All runs over the share of parameters that they removed, on one pair of axes. Where levels do not
 * compare, heights are factors over each run's own dense model. Null with fewer than two points.
 */
export function renderComparedCurve(runs: readonly NamedRun[], width: number, height: number): Markup | null {
  const level = comparable(runs);
  const lines = runs.map(({ letter, result }) => {
    const dense = result.dense.ppl;
    const heightOf = ({ ppl }: RunPoint): number | null =>
      ppl === null ? null : level ? ppl : dense === null ? null : finite(ppl / dense);
    return { letter, points: pointsOf(result).map((point) => ({ ...point, value: heightOf(point) })) };
  });
  const values = lines.flatMap(({ points }) => points.flatMap(({ value }) => value ?? []));
  if (values.length < 2) return null;
  const area = plotArea(width, height);
  const axis = perplexityAxis(values);
  const ratios = linearTicks(0, Math.max(0.001, ...lines.flatMap(({ points }) => points.map(({ ratio }) => ratio))), 7);
  const most = ratios[ratios.length - 1];
  const xOf = (ratio: number): number => area.left + 14 + (ratio / most) * (area.right - area.left - 40);
  const yOf = (value: number): number => area.bottom - axis.place(value) * (area.bottom - area.top);
  const what = level ? 'Perplexity' : 'Perplexity over that of the dense model';
  return drawing(
    { width, height, class: 'curve' },
    {
      title: `${what} by parameters removed`,
      description: `${axis.log ? 'Logarithmic' : 'Linear'} scale. The table of equal shares holds the values.`,
    },
    axis.ticks.map((tick) => [
      line(area.left, yOf(tick), area.right, yOf(tick), 'grid'),
      text(area.left - 10, yOf(tick) + 4, formatRound(tick), { class: 'tick', 'text-anchor': 'end' }),
    ]),
    text(0, 12, `${what}${axis.log ? ' (log scale)' : ''}`, { class: 'axis-name' }),
    line(area.left, area.bottom, area.right, area.bottom, 'axis'),
    ratios
      .filter((ratio) => ratio >= 0)
      .map((ratio) => [
        line(xOf(ratio), area.bottom, xOf(ratio), area.bottom + 5, 'axis'),
        text(xOf(ratio), area.bottom + 20, formatPercent(ratio), { class: 'tick', 'text-anchor': 'middle' }),
      ]),
    text(area.right, area.bottom + 44, 'Share of all parameters removed', { class: 'axis-name', 'text-anchor': 'end' }),
    lines.map(({ letter, points }, index) => {
      const placed = points.map(({ ratio, value, ppl, step }) => {
        return { x: xOf(ratio), y: value === null ? null : yOf(value), ppl, step, ratio, value };
      });
      return element(
        'g',
        { class: `run run-${index % RUN_STYLES}` },
        element('path', { class: 'trace', d: pathOf(placed) }),
        placed.flatMap(({ x, y, ppl, step, ratio, value }) => {
          if (y === null || value === null) return [];
          const factor = level ? '' : `, ×${formatSignificant(value)} of dense`;
          const words = `${letter}, step ${step}: perplexity ${formatPerplexity(ppl)}${factor} at ${formatPercent(ratio)} removed`;
          const transform = `translate(${coordinate(x)} ${coordinate(y)})`;
          return [element('g', { class: 'mark', transform }, tooltip(words), runMark(index))];
        }),
        endLabel(letter, placed),
      );
    }),
  );
}

function finite(value: number): number | null {
  return Number.isFinite(value) && value > 0 ? value : null;
}

interface Placed {
  readonly x: number;
  readonly y: number | null;
}

function pathOf(points: readonly Placed[]): string {
  return points
    .map(({ x, y }, index) => {
      if (y === null) return '';
      return `${index === 0 || points[index - 1].y === null ? 'M' : 'L'}${coordinate(x)} ${coordinate(y)}`;
    })
    .join('');
}

/** The run's letter behind the last point that is drawn. */
function endLabel(letter: string, points: readonly Placed[]): Markup | null {
  const last = points.findLast(({ y }) => y !== null);
  if (last === undefined || last.y === null) return null;
  return text(last.x + 9, last.y + 4, letter, { class: 'run-label halo' });
}
