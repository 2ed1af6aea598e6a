import type { PruneResult } from '../result.ts';
import { linearTicks, perplexityAxis, type Axis } from '../../drawing/axis.ts';
import { curvePoints, type CurvePoint } from './curvePoints.ts';
import { coordinate, element, type Markup } from '../../drawing/html.ts';
import { formatChange, formatPercent, formatRound, plural } from '../../drawing/numbers.ts';
import { drawing, line, text, tooltip } from '../../drawing/svg.ts';
import { formatPerplexity } from './perplexityWords.ts';

/** Where the plot area lies inside the drawing. */
export interface PlotArea {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Placed extends CurvePoint {
  readonly x: number;
  /** Null where the perplexity is not finite: there is no height to draw it at. */
  readonly y: number | null;
}

/** Room a block's name or a tick's two labels need beside the next. */
const LABEL_WIDTH = 52;

/**
 * The plot area of a drawing of that size: room for tick labels at the left, names above, two rows
 * of labels below.
 */
export function plotArea(width: number, height: number): PlotArea {
  return { left: 62, right: width - 22, top: 30, bottom: height - 66 };
}

/**
 * Perplexity against blocks removed, as an SVG of width × height; null when fewer than two points
 * are finite.
 * @throws MaskError for a name that is not a block of the model.
 */
export function renderCurve(result: PruneResult, width: number, height: number): Markup | null {
  const points = curvePoints(result);
  const finite = points.flatMap((point) => (point.ppl === null ? [] : [point.ppl]));
  if (finite.length < 2) return null;
  const area = plotArea(width, height);
  const after = points.flatMap(({ repaired }) => (repaired === null || repaired.ppl === null ? [] : [repaired.ppl]));
  const heldOut = points.flatMap((point) => point.heldOut?.ppl ?? []);
  const axis = perplexityAxis([...finite, ...after, ...heldOut]);
  const placed = points.map((point) => placePoint(point, points[points.length - 1].removed, axis, area));
  const yOf = (ppl: number): number => area.bottom - axis.place(ppl) * (area.bottom - area.top);
  return drawing(
    { width, height, class: 'curve' },
    { title: 'Perplexity by blocks removed', description: describe(points, axis) },
    axis.ticks.map((tick) => [
      line(area.left, yOf(tick), area.right, yOf(tick), 'grid'),
      text(area.left - 10, yOf(tick) + 4, formatRound(tick), { class: 'tick', 'text-anchor': 'end' }),
    ]),
    text(0, 12, `Perplexity${axis.log ? ' (log scale)' : ''}`, { class: 'axis-name' }),
    bottomLabels(placed, area),
    result.dense.ppl === null ? null : denseRule(result.dense.ppl, yOf(result.dense.ppl), area),
    heldOut.length === 0 ? null : heldOutLine(placed, yOf, result.evaluation?.data.name ?? ''),
    element('path', { class: 'trace', d: tracePath(placed.map(({ x, y }) => ({ x, y }))) }),
    after.length === 0 ? null : repairedLine(placed, yOf, area),
    placed.map((point) => marker(point, area, result.dense.ppl)),
    spaced(placed.slice(1)).map((point) => pointLabel(point, placed[placed.indexOf(point) - 1], area)),
  );
}

function placePoint(point: CurvePoint, most: number, axis: Axis, area: PlotArea): Placed {
  const inset = 14;
  const x = area.left + inset + (point.removed / most) * (area.right - area.left - 2 * inset);
  const y = point.ppl === null ? null : area.bottom - axis.place(point.ppl) * (area.bottom - area.top);
  return { ...point, x, y };
}

function describe(points: readonly CurvePoint[], axis: Axis): string {
  const [dense, ...pruned] = points;
  const last = pruned[pruned.length - 1];
  return (
    `${axis.log ? 'Logarithmic' : 'Linear'} scale. The dense model has perplexity ${formatPerplexity(dense.ppl, dense.status)}; ` +
    `with ${plural(last.removed, 'block')} removed it is ${formatPerplexity(last.ppl, last.status)}${afterRepair(last)}. The table of steps holds every value.`
  );
}

function afterRepair({ repaired }: CurvePoint): string {
  return repaired === null ? '' : `, after repair ${formatPerplexity(repaired.ppl, repaired.status)}`;
}

/** Blocks removed and, under it, the share of parameters that this is. */
function bottomLabels(points: readonly Placed[], area: PlotArea): Markup[] {
  const ticks = roundTicks(points).flatMap((point) => [
    line(point.x, area.bottom, point.x, area.bottom + 5, 'axis'),
    text(point.x, area.bottom + 20, String(point.removed), { class: 'tick', 'text-anchor': 'middle' }),
    text(point.x, area.bottom + 36, formatPercent(point.ratio), { class: 'tick quiet', 'text-anchor': 'middle' }),
  ]);
  const name = text(area.right, area.bottom + 58, 'Blocks removed · share of all parameters', {
    class: 'axis-name',
    'text-anchor': 'end',
  });
  return [line(area.left, area.bottom, area.right, area.bottom, 'axis'), ...ticks, name];
}

function denseRule(ppl: number, y: number, area: PlotArea): Markup[] {
  const words = `dense ${formatPerplexity(ppl)}`;
  return [
    line(area.left, y, area.right, y, 'dense-rule'),
    text(area.right, y - 6, words, { class: 'dense-label halo', 'text-anchor': 'end' }),
  ];
}

/**
 * The second line, after repair: from the dense point through every repaired one, or, where only
 * the result was repaired, from its own point down.
 */
function repairedLine(points: readonly Placed[], yOf: (ppl: number) => number, area: PlotArea): Markup[] {
  const mended = points.flatMap(({ x, label, removed, repaired }) =>
    repaired === null || repaired.ppl === null ? [] : [{ x, y: yOf(repaired.ppl), ppl: repaired.ppl, label, removed }],
  );
  const last = mended[mended.length - 1];
  const before = mended.length > 1 ? points[0] : points.find(({ x }) => x === last.x);
  const start = before === undefined || before.y === null ? [] : [{ x: before.x, y: before.y }];
  const path = [...start, ...mended]
    .map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${coordinate(x)} ${coordinate(y)}`)
    .join('');
  const words = `repaired ${formatPerplexity(last.ppl)}`;
  return [
    element('path', { class: 'trace repaired-trace', d: path }),
    ...mended.map(({ x, y, ppl, label, removed }) =>
      element(
        'g',
        { class: 'repaired-point', transform: `translate(${coordinate(x)} ${coordinate(y)})` },
        tooltip(`${label} removed, ${removed} in all, and repaired: perplexity ${formatPerplexity(ppl)}`),
        element('circle', { r: 4 }),
      ),
    ),
    text(Math.min(last.x, area.right), Math.min(last.y + 20, area.bottom - 4), words, {
      class: 'point-label halo',
      'text-anchor': 'end',
    }),
  ];
}

/** The thin line of the text by which nothing was chosen, with its name at the end. */
function heldOutLine(points: readonly Placed[], yOf: (ppl: number) => number, name: string): Markup[] {
  const found = points.map(({ x, label, removed, heldOut }) => {
    const ppl = heldOut?.ppl ?? null;
    return { x, y: ppl === null ? null : yOf(ppl), ppl, label, removed };
  });
  const marks = found.flatMap(({ x, y, ppl, label, removed }) => {
    if (y === null) return [];
    const what = label === 'dense' ? 'Dense model' : `${label} removed, ${removed} in all`;
    return [
      element(
        'g',
        { class: 'held-out-point', transform: `translate(${coordinate(x)} ${coordinate(y)})` },
        tooltip(`${what}: perplexity ${formatPerplexity(ppl)} on ${name}`),
        element('path', { d: 'M0-4.5L4.5 3.5H-4.5Z' }),
      ),
    ];
  });
  return [element('path', { class: 'trace held-out-trace', d: tracePath(found) }), ...marks];
}

/** The line through the finite points, broken where one is missing. */
function tracePath(points: readonly { readonly x: number; readonly y: number | null }[]): string {
  return points
    .map(({ x, y }, index) => {
      if (y === null) return '';
      const begins = index === 0 || points[index - 1].y === null;
      return `${begins ? 'M' : 'L'}${coordinate(x)} ${coordinate(y)}`;
    })
    .join('');
}

/**
 * Shape as well as colour tells the kinds apart: ring = dense, disc = MHA, square = MLP, diamond =
 * layer.
 */
const SHAPES: Readonly<Record<CurvePoint['kind'], string>> = {
  dense: 'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z',
  mha: 'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z',
  mlp: 'M-4.5-4.5h9v9h-9Z',
  layer: 'M0-6.5L6.5 0L0 6.5L-6.5 0Z',
};

function marker(point: Placed, area: PlotArea, dense: number | null): Markup {
  const words = tooltip(pointWords(point, dense));
  // A missing value is marked at the upper edge: "off the scale" is the honest place for it.
  const transform = `translate(${coordinate(point.x)} ${coordinate(point.y ?? area.top)})`;
  if (point.y === null)
    return element('g', { class: 'missing', transform }, words, element('path', { d: 'M-5-5L5 5M-5 5L5-5' }));
  const ring = point.nearTie ? element('circle', { class: 'near-tie', r: 9.5 }) : null;
  return element(
    'g',
    { class: `point ${point.kind}`, transform },
    words,
    ring,
    element('path', { d: SHAPES[point.kind] }),
  );
}

function pointWords(point: CurvePoint, dense: number | null): string {
  const ppl = `perplexity ${formatPerplexity(point.ppl, point.status)}`;
  if (point.kind === 'dense') return `Dense model: ${ppl}`;
  const change = point.ppl === null || dense === null ? '' : ` (${formatChange(point.ppl, dense)})`;
  return `${point.label} removed, ${point.removed} in all: ${ppl}${change}${point.nearTie ? '; a near-tie' : ''}`;
}

/**
 * A block's name hangs over the side from which the curve does not come: left of a rise, right of a
 * fall.
 */
function pointLabel(point: Placed, before: Placed, area: PlotArea): Markup | null {
  if (point.y === null) return null;
  const words = `${point.label}${point.nearTie ? ' ≈' : ''}`;
  const falls = before.y !== null && before.y < point.y - 1;
  const x = falls ? Math.min(point.x - 6, area.right - LABEL_WIDTH) : Math.max(point.x + 6, area.left + LABEL_WIDTH);
  const y = point.y - (point.nearTie ? 15 : 12);
  return text(x, y, words, { class: 'point-label halo', 'text-anchor': falls ? 'start' : 'end' });
}

/**
 * As many of the points as have room for a name: every k-th, counted so that the last one is always
 * among them.
 */
function spaced(points: readonly Placed[]): Placed[] {
  const every = Math.ceil(pointsPerLabel(points));
  return points.filter((_, index) => (points.length - 1 - index) % every === 0);
}

/** Every 1st, 2nd, 5th, 10th … point from the dense one on, and the last. */
function roundTicks(points: readonly Placed[]): Placed[] {
  const [, step] = linearTicks(0, pointsPerLabel(points), 2);
  const last = points[points.length - 1];
  return points.filter((point, index) => point === last || (index % step === 0 && last.x - point.x >= LABEL_WIDTH));
}

/** How many points share the room of one label; at least 1. */
function pointsPerLabel(points: readonly Placed[]): number {
  if (points.length < 2) return 1;
  const gap = (points[points.length - 1].x - points[0].x) / (points.length - 1);
  return Math.max(1, LABEL_WIDTH / gap);
}
