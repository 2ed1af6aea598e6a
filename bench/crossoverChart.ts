/** Time against size, both logarithmic: a panel for each op, a line for each engine, and where each gpu.js mode beats simd. */
import { logTicks } from '../src/drawing/axis.ts';
import { coordinate, element, verbatim, type Markup } from '../src/drawing/html.ts';
import { formatRound, formatSignificant } from '../src/drawing/numbers.ts';
import { line, text } from '../src/drawing/svg.ts';
import { beatsSimd, curvesOf, engineLabel, ofGpuJs, type Curve } from './curves.ts';
import type { BenchDocument } from './document.ts';

const PANEL = { width: 330, height: 270 };
const COLUMNS = 3;
/** Of a panel, to its plot. */
const MARGIN = { left: 50, right: 16, top: 30, bottom: 60 };
const LEGEND_LINE = 16;

/** As in chart.ts: it follows the system's preference where it is shown as an image. */
const STYLE = `
text { font: 11px system-ui, sans-serif; fill: #1b1f24; } .quiet { fill: #5b6570; } .heading { font-weight: 600; font-size: 13px; }
.grid { stroke: #d5dadf; } path, circle { fill: none; stroke-width: 1.8; } .e0 { stroke: #888; } .e1 { stroke: #7db3dd; } .e2 { stroke: #0b63a5; }
.e3 { stroke: #b9500a; } .e4 { stroke: #6a3d9a; } .e5 { stroke: #4a7a2c; } .e6 { stroke: #a3123a; }
@media (prefers-color-scheme: dark) { text { fill: #e6e8ea; } .quiet { fill: #9aa4af; } .grid { stroke: #3a4148; } }`;

/** @returns the plot as SVG; null where the document holds no curves. */
export function crossoverChart({ runs }: BenchDocument): string | null {
  const curves = curvesOf(Object.values(runs).flatMap(({ rows }) => rows));
  if (curves.length === 0) return null;
  const engines = [...new Set(curves.map(engineLabel))];
  const ops = [...new Set(curves.map(({ op }) => op))];
  const top = 24 + engines.length * LEGEND_LINE;
  const panels = ops.map((op, index) => {
    const [x, y] = [(index % COLUMNS) * PANEL.width, top + Math.floor(index / COLUMNS) * PANEL.height];
    const transform = `translate(${x} ${y})`;
    return element('g', { transform }, panel(op, curves, engines));
  });
  const width = COLUMNS * PANEL.width;
  const height = top + Math.ceil(ops.length / COLUMNS) * PANEL.height;
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, role: 'img' };
  const title = element(
    'title',
    {},
    'Time of an op against its size, and from which size on gpu.js is faster than simd',
  );
  const parts = [title, element('style', {}, verbatim(STYLE)), legend(engines), ...panels];
  return `${element('svg', attributes, ...parts).markup}\n`;
}

function legend(engines: readonly string[]): Markup[] {
  return engines.flatMap((engine, index) => {
    const y = 14 + index * LEGEND_LINE;
    return [element('path', { d: `M0 ${y - 4}H24`, class: classOf(index) }), text(32, y, engine)];
  });
}

function panel(op: string, all: readonly Curve[], engines: readonly string[]): Markup[] {
  const curves = all.filter((curve) => curve.op === op);
  const points = curves.flatMap((curve) => curve.points);
  const [left, right] = [MARGIN.left, PANEL.width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, PANEL.height - MARGIN.bottom];
  const across = logScale(
    points.map(({ size }) => size),
    left,
    right,
  );
  const up = logScale(
    points.map(({ ms }) => ms),
    bottom,
    top,
  );
  return [
    text(left, 18, `${op}, ms`, { class: 'heading' }),
    ...up.ticks.flatMap((tick) => [
      line(left, up.place(tick), right, up.place(tick), 'grid'),
      text(left - 6, up.place(tick) + 4, formatRound(tick), { class: 'quiet', 'text-anchor': 'end' }),
    ]),
    ...[...new Set(points.map(({ size }) => size))].map((size) =>
      text(across.place(size), bottom + 15, String(size), { class: 'quiet', 'text-anchor': 'middle' }),
    ),
    ...curves.map((curve) => trace(curve, classOf(engines.indexOf(engineLabel(curve))), across.place, up.place)),
    ...curves.filter(ofGpuJs).map((curve, index) => verdict(curve, all, left, bottom + 29 + 10 * index)),
  ];
}

/** A line with a dot at each size: an engine that was given one size only has no line. */
function trace(curve: Curve, style: string, x: (size: number) => number, y: (ms: number) => number): Markup {
  const d = curve.points.map(({ size, ms }) => `${coordinate(x(size))} ${coordinate(y(ms))}`).join('L');
  const dots = curve.points.map(({ size, ms }) => {
    const words = `${engineLabel(curve)}, ${size}: ${formatSignificant(ms)} ms`;
    return element('circle', { cx: x(size), cy: y(ms), r: 2.5 }, element('title', {}, words));
  });
  return element('g', { class: style }, element('path', { d: `M${d}` }), ...dots);
}

/** In words, because where lines meet is hard to see. */
function verdict(curve: Curve, all: readonly Curve[], x: number, y: number): Markup {
  const from = beatsSimd(curve, all);
  const words = from === null ? 'not here' : `from ${from} on`;
  return text(x, y, `${engineLabel(curve)} wins ${words}`, { class: 'quiet', style: 'font-size: 8px' });
}

interface Scale {
  ticks: readonly number[];
  place: (value: number) => number;
}

function logScale(values: readonly number[], from: number, to: number): Scale {
  const ticks = logTicks(Math.min(...values), Math.max(...values), 6);
  const [low, high] = [Math.min(ticks[0], ...values), Math.max(ticks[ticks.length - 1], ...values)];
  const span = Math.log(high) - Math.log(low) || 1;
  return { ticks, place: (value) => from + ((to - from) * (Math.log(value) - Math.log(low))) / span };
}

function classOf(index: number): string {
  return `e${Math.min(index, 6)}`;
}
