/** Perplexity curves side by side, as an SVG file of its own. */
import { linearTicks, logTicks } from '../src/drawing/axis.ts';
import { element, verbatim } from '../src/drawing/html.ts';
import { formatPercent, formatRound } from '../src/drawing/numbers.ts';
import { line, text } from '../src/drawing/svg.ts';

export interface CurvePoint {
  /** Share of the parameters in blocks. */
  removed: number;
  ppl: number;
  /** How many blocks that is. */
  blocks?: number;
}

export interface Curve {
  name: string;
  points: CurvePoint[];
}

const WIDTH = 760;
const HEIGHT = 400;
const area = { left: 62, right: WIDTH - 130, top: 30, bottom: HEIGHT - 46 };
const style = `
  svg { font: 12px system-ui, sans-serif; background: #fff; color: #222 }
  line { stroke: #ddd } text { fill: #555 } path { fill: none; stroke-width: 2 }
  path.c0 { stroke: #0b63a5 } text.c0 { fill: #0b63a5 } path.c1 { stroke: #b9500a; stroke-dasharray: 7 3 } text.c1 { fill: #b9500a }
  path.c2 { stroke: #777; stroke-dasharray: 2 3 } text.c2 { fill: #666 }`;

/** A logarithmic scale of perplexities against the share of block parameters removed. */
export function renderCurves(curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const most = Math.max(...points.map(({ removed }) => removed));
  const ppls = points.map(({ ppl }) => ppl);
  const ticks = logTicks(Math.min(...ppls), Math.max(...ppls), 8);
  const [low, high] = [ticks[0], ticks[ticks.length - 1]].map(Math.log);
  const x = (removed: number): number => area.left + (removed / most) * (area.right - area.left);
  const y = (ppl: number): number => area.bottom - ((Math.log(ppl) - low) / (high - low)) * (area.bottom - area.top);
  const labels = spaced(curves.map(({ points: own }) => y(own[own.length - 1].ppl)));
  const picture = element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, role: 'img' },
    element('title', {}, 'Perplexity by share of block parameters removed'),
    element('style', {}, verbatim(style)),
    ticks.map((tick) => [
      line(area.left, y(tick), area.right, y(tick), 'grid'),
      text(area.left - 8, y(tick) + 4, formatRound(tick), { 'text-anchor': 'end' }),
    ]),
    linearTicks(0, most, 7)
      .filter((share) => share >= 0 && share <= most)
      .map((share) => text(x(share), area.bottom + 18, formatPercent(share), { 'text-anchor': 'middle' })),
    text(0, 14, 'Perplexity (log scale)'),
    text(area.right, area.bottom + 38, 'Share of block parameters removed', { 'text-anchor': 'end' }),
    curves.map(({ name, points: own }, index) => [
      element('path', {
        class: `c${index}`,
        d: own
          .map(({ removed, ppl }, at) => `${at === 0 ? 'M' : 'L'}${x(removed).toFixed(1)} ${y(ppl).toFixed(1)}`)
          .join(''),
      }),
      text(area.right + 8, labels[index] + 4, name, { class: `c${index}` }),
    ]),
  );
  return `${picture.markup}\n`;
}

/** The same heights, moved downwards where two would be closer than a line of text. */
function spaced(heights: readonly number[]): number[] {
  const placed = [...heights];
  let last = -Infinity;
  for (const index of [...heights.keys()].toSorted((a, b) => heights[a] - heights[b])) {
    placed[index] = Math.max(placed[index], last + 16);
    last = placed[index];
  }
  return placed;
}
