/** Results as a bar chart: one group of bars for each thing done, one bar for each engine and number of threads. */
import { element, escapeHtml, verbatim, type Markup } from '../src/drawing/html.ts';
import { formatSignificant } from '../src/drawing/numbers.ts';
import { line, text } from '../src/drawing/svg.ts';
import { engineLabel } from './curves.ts';
import { benchNames, type BenchDocument, type Row, type Unit } from './document.ts';

const LABELS = 250;
const BARS = 420;
const VALUES = 60;
const BAR = 11;
const GAP = 8;
const HEADING = 50;
const LEGEND_LINE = 14;
/** Characters of engines' names on a line of the legend. */
const LEGEND_WIDTH = 85;

/** Legible on a light and on a dark page: where it is shown as an image, it knows the system's preference. */
const STYLE = `
text { font: 11px system-ui, sans-serif; fill: #1b1f24; } .quiet { fill: #5b6570; } .heading { font-weight: 600; font-size: 13px; }
.peak { stroke: #a3123a; stroke-dasharray: 3 3; } .e0 { fill: #0b63a5; } .e1 { fill: #b9500a; } .e2 { fill: #6a3d9a; } .e3 { fill: #4a7a2c; }
.e4 { fill: #888; } .one { opacity: 0.55; }
@media (prefers-color-scheme: dark) { text { fill: #e6e8ea; } .quiet { fill: #9aa4af; } .peak { stroke: #ff8ba7; } }`;

/** Rates only: more is better everywhere, so bars of one section can be compared. */
const rates: readonly Unit[] = ['GFLOP/s', 'GB/s', 'tokens/s'];

export function resultsChart({ runs }: BenchDocument): string {
  const shapes: Markup[] = [];
  let y = 0;
  for (const { title, rows, peak } of sectionsOf(runs)) {
    shapes.push(text(0, y + 20, title, { class: 'heading' }), ...legend(rows, peak, y + 38));
    const top = y + HEADING + LEGEND_LINE * (legendLines(rows).length - 1);
    const { bars, height } = section(rows, peak, top);
    shapes.push(...bars);
    y = top + height;
  }
  const width = LABELS + BARS + VALUES;
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${Math.ceil(y)}`,
    width,
    role: 'img',
  };
  const title = element('title', {}, 'Benchmark results');
  return `${element('svg', attributes, title, element('style', {}, verbatim(STYLE)), ...shapes).markup}\n`;
}

interface Section {
  title: string;
  rows: readonly Row[];
  peak: number | undefined;
}

/** Rows of one bench and unit, and, where names begin with one (`planted: …`), of one subject. */
function sectionsOf(runs: BenchDocument['runs']): Section[] {
  return benchNames.flatMap((bench) => {
    const { rows = [], peaks = [] } = runs[bench] ?? {};
    return rates.flatMap((unit) => {
      const ofUnit = rows.filter((row) => row.unit === unit);
      const peak = unit === 'GFLOP/s' ? peaks.find((found) => found.unit === unit)?.value : undefined;
      return [...new Set(ofUnit.map(subjectOf))].map((subject) => {
        const title = [bench, subject, unit].filter((part) => part !== '').join(', ');
        return { title, rows: ofUnit.filter((row) => subjectOf(row) === subject), peak };
      });
    });
  });
}

function subjectOf({ name }: Row): string {
  return name.slice(0, Math.max(0, name.indexOf(': ')));
}

function section(rows: readonly Row[], peak: number | undefined, top: number): { bars: Markup[]; height: number } {
  const highest = Math.max(peak ?? 0, ...rows.map(({ value }) => value));
  const scale = (value: number): number => (BARS * value) / highest;
  const engines = enginesOf(rows);
  const bars: Markup[] = [];
  let y = top;
  for (const name of new Set(rows.map((row) => row.name))) {
    const group = rows.filter((row) => row.name === name);
    bars.push(text(LABELS - 8, y + (group.length * BAR) / 2 + 4, name.replace(/^.*?: /, ''), { 'text-anchor': 'end' }));
    for (const row of group) {
      const label = `${engineLabel(row)}: ${formatSignificant(row.value)} ${row.unit}`;
      const shape = { x: LABELS, y, width: scale(row.value), height: BAR - 2, class: barClass(engines, row) };
      bars.push(element('rect', shape, element('title', {}, label)));
      bars.push(text(LABELS + scale(row.value) + 4, y + 8, formatSignificant(row.value), { class: 'quiet' }));
      y += BAR;
    }
    y += GAP;
  }
  if (peak !== undefined) bars.push(line(LABELS + scale(peak), top - 4, LABELS + scale(peak), y - GAP, 'peak'));
  return { bars, height: y - top };
}

function legend(rows: readonly Row[], peak: number | undefined, y: number): Markup[] {
  const engines = enginesOf(rows);
  const lines = legendLines(rows);
  return lines.map((names, index) => {
    const parts = names.map((engine) => {
      const style = Math.min(engines.indexOf(engine), 4);
      return `<tspan class="e${style}" dx="10">■</tspan><tspan dx="3">${escapeHtml(engine)}</tspan>`;
    });
    const words = peak === undefined ? 'pale: one thread' : 'pale: one thread; dashed: its peak';
    if (index === lines.length - 1) parts.push(`<tspan dx="10">(${words})</tspan>`);
    return element('text', { x: -10, y: y + LEGEND_LINE * index, class: 'quiet' }, verbatim(parts.join('')));
  });
}

/** Engines, as many on a line as fit. */
function legendLines(rows: readonly Row[]): string[][] {
  const lines: string[][] = [[]];
  for (const engine of enginesOf(rows)) {
    const last = lines[lines.length - 1];
    if (last.length > 0 && [...last, engine].join('   ').length > LEGEND_WIDTH) lines.push([engine]);
    else last.push(engine);
  }
  return lines;
}

function enginesOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ engine }) => engine))];
}

function barClass(engines: readonly string[], { engine, threads }: Row): string {
  return `e${Math.min(engines.indexOf(engine), 4)}${threads === 1 ? ' one' : ''}`;
}
