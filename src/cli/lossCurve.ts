/** The loss over a training run, as an SVG file of its own. */
import { linearTicks } from '../drawing/axis.ts';
import { element, verbatim, type Markup } from '../drawing/html.ts';
import { line, text } from '../drawing/svg.ts';

export interface LossPoint {
  step: number;
  loss: number;
}

const WIDTH = 760;
const HEIGHT = 360;
const area = { left: 56, right: WIDTH - 16, top: 28, bottom: HEIGHT - 40 };
/** Points a curve is thinned to; each is a mean. */
const MOST_POINTS = 400;

const style = `
  svg { font: 12px system-ui, sans-serif; background: #fff; color: #222 }
  line { stroke: #ddd } text { fill: #555 } path { fill: none; stroke-width: 1.5 }
  .train { stroke: #7a9cc6 } .measured { stroke: #c4442a } text.measured { fill: #c4442a } text.train { fill: #4d739f }`;

/** @param measured losses on validation text; may be empty. */
export function renderLossCurve(training: readonly LossPoint[], measured: readonly LossPoint[]): string {
  const thin = thinned(training);
  const all = [...thin, ...measured];
  const lowest = all.reduce((low, { loss }) => Math.min(low, loss), Infinity);
  const highest = all.reduce((high, { loss }) => Math.max(high, loss), -Infinity);
  const ticks = linearTicks(lowest, highest, 7);
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const last = all.reduce((step, point) => Math.max(step, point.step), -Infinity);
  const x = (step: number): number => area.left + (step / last) * (area.right - area.left);
  const y = (loss: number): number => area.bottom - ((loss - low) / (high - low)) * (area.bottom - area.top);
  const path = (points: readonly LossPoint[], className: string): Markup =>
    element('path', {
      class: className,
      d: points
        .map(({ step, loss }, index) => `${index === 0 ? 'M' : 'L'}${x(step).toFixed(1)} ${y(loss).toFixed(1)}`)
        .join(''),
    });
  const picture = element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, role: 'img' },
    element('title', {}, 'Loss by step'),
    element('style', {}, verbatim(style)),
    ticks.map((tick) => [
      line(area.left, y(tick), area.right, y(tick), 'grid'),
      text(area.left - 8, y(tick) + 4, String(tick), { 'text-anchor': 'end' }),
    ]),
    [0, last].map((step) =>
      text(x(step), area.bottom + 18, String(step), { 'text-anchor': step === 0 ? 'start' : 'end' }),
    ),
    text((area.left + area.right) / 2, area.bottom + 30, 'step', { 'text-anchor': 'middle' }),
    text(0, 14, 'loss, nats per token'),
    text(area.right - 90, 14, 'training', { class: 'train', 'text-anchor': 'end' }),
    measured.length === 0 ? null : text(area.right, 14, 'validation', { class: 'measured', 'text-anchor': 'end' }),
    path(thin, 'train'),
    path(measured, 'measured'),
  );
  return `${picture.markup}\n`;
}

/** At most MOST_POINTS points, each the mean of a stretch. */
function thinned(points: readonly LossPoint[]): LossPoint[] {
  const stretch = Math.ceil(points.length / MOST_POINTS);
  const thin: LossPoint[] = [];
  for (let from = 0; from < points.length; from += stretch) {
    const part = points.slice(from, from + stretch);
    const loss = part.reduce((sum, point) => sum + point.loss, 0) / part.length;
    thin.push({ step: part[part.length - 1].step, loss });
  }
  return thin;
}
