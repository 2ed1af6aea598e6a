/**
 * Draws docs/images/ridge.svg: what a ridge does to a fit of two weights, on a small problem that
 * src/repair solves. `node bench/ridgePicture.ts [FILE [SEED]]`
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorAfter } from '../src/repair/fitError.ts';
import { NormalEquations } from '../src/repair/normalEquations.ts';
import { ridgeSystem, solveRidge } from '../src/repair/ridge.ts';
import { seededRng } from '../src/tensor/rng.ts';
import { drawing, line, text } from '../src/drawing/svg.ts';
import { element, type Markup } from '../src/drawing/html.ts';

type Point = readonly [x: number, y: number];

/** A change of two weights that would be right for all text. */
const TRUE_CHANGE: Point = [0.85, 0.45];
const [WIDTH, HEIGHT] = [760, 500];
/** Ridge factors with a dot: a wider range than the default of a repair, to show both ends. */
const FACTORS = [0.03, 0.1, 0.3, 1, 3, 10];
/** Pixels of 1, and where the change 0 lies. */
const [SCALE, ORIGIN_X, ORIGIN_Y] = [250, 200, 385];

/** Sums over rows of two inputs that say nearly the same, with noise in what is missing. */
function sumsOf(seed: number, rows: number): NormalEquations {
  const rng = seededRng(seed);
  const sums = new NormalEquations({ inputs: 2, outputs: 1, bias: false });
  for (let row = 0; row < rows; row++) {
    const shared = rng.normal();
    const a = [shared + 0.55 * rng.normal(), 0.8 * shared + 0.55 * rng.normal()];
    const r = a[0] * TRUE_CHANGE[0] + a[1] * TRUE_CHANGE[1] + 1.1 * rng.normal();
    const all = [...a, r];
    sums.add(
      Float64Array.from({ length: 9 }, (_, i) => all[Math.floor(i / 3)] * all[i % 3]),
      1,
    );
  }
  return sums;
}

function solution(sums: NormalEquations, ridge: number): Point {
  const system = ridgeSystem(sums, ridge);
  if (system === null) throw new Error('no solution');
  const [x, y] = solveRidge(system, sums);
  return [x, y];
}

const errorAt = (sums: NormalEquations, [x, y]: Point): number =>
  errorAfter(sums, { weight: Float64Array.of(x, y), bias: null });

const place = ([x, y]: Point): Point => [ORIGIN_X + SCALE * x, ORIGIN_Y - SCALE * y];

function path(points: readonly Point[], className: string): Markup {
  const d = points
    .map(
      (point, i) =>
        `${i === 0 ? 'M' : 'L'}${place(point)
          .map((n) => n.toFixed(1))
          .join(' ')}`,
    )
    .join('');
  return element('path', { d, class: className });
}

/** Where the error is `above` higher than at its least point: an ellipse around that point. */
function contour(sums: NormalEquations, above: number): Point[] {
  const least = solution(sums, 1e-12);
  const [a, b, , c] = sums.gram;
  return Array.from({ length: 361 }, (_, i) => {
    const [u, v] = [Math.cos((i * Math.PI) / 180), Math.sin((i * Math.PI) / 180)];
    const length = Math.sqrt(above / (a * u * u + 2 * b * u * v + c * v * v));
    return [least[0] + length * u, least[1] + length * v];
  });
}

function dot(point: Point, radius: number, className: string): Markup {
  const [cx, cy] = place(point);
  return element('circle', { cx: cx.toFixed(1), cy: cy.toFixed(1), r: radius, class: className });
}

function label(point: Point, words: string, [dx, dy]: Point, className = ''): Markup {
  const [x, y] = place(point);
  return text(Math.round(x + dx), Math.round(y + dy), words, { class: className });
}

const style = `
  svg { background: #fff; font: 14px system-ui, sans-serif; }
  text { fill: #222; }
  .axis { stroke: #bbb; } .fit { fill: none; stroke: #c2410c; } .held { fill: none; stroke: #1d4ed8; stroke-dasharray: 5 4; }
  .path { fill: none; stroke: #222; stroke-width: 2; } .factor { fill: #222; } .best { fill: #15803d; }
  .fitDot { fill: #c2410c; } .heldDot { fill: #1d4ed8; } .fitWords { fill: #c2410c; } .heldWords { fill: #1d4ed8; }
  .bestWords { fill: #15803d; font-weight: 600; } .small { font-size: 12px; }
  @media (prefers-color-scheme: dark) {
    svg { background: #16181d; } text { fill: #ddd; }
    .axis { stroke: #555; } .fit { stroke: #fb923c; } .held { stroke: #7aa7ff; } .path { stroke: #ddd; } .factor { fill: #ddd; }
    .best { fill: #4ade80; } .fitDot { fill: #fb923c; } .heldDot { fill: #7aa7ff; } .fitWords { fill: #fb923c; }
    .heldWords { fill: #7aa7ff; } .bestWords { fill: #4ade80; }
  }`;

function picture(fit: NormalEquations, heldOut: NormalEquations): Markup {
  const steps = Array.from({ length: 141 }, (_, i) => 10 ** (-4 + i / 20));
  const grid = FACTORS.map((factor) => ({ factor, at: solution(fit, factor) }));
  const best = grid.reduce((a, b) => (errorAt(heldOut, b.at) < errorAt(heldOut, a.at) ? b : a));
  const least = solution(fit, 1e-12);
  const judged = solution(heldOut, 1e-12);
  return drawing(
    { width: WIDTH, height: HEIGHT },
    {
      title: 'What a ridge does',
      description:
        'The changes of two weights as a plane. A curve leads from the least-squares fit to no change as the ridge grows; the held-out error is least on the way.',
    },
    element('style', {}, style),
    line(20, ORIGIN_Y, WIDTH - 20, ORIGIN_Y, 'axis'),
    line(ORIGIN_X, 20, ORIGIN_X, ORIGIN_Y + 40, 'axis'),
    text(WIDTH - 175, ORIGIN_Y + 20, 'change of weight 1 →', { class: 'small' }),
    text(ORIGIN_X + 8, 30, '↑ change of weight 2', { class: 'small' }),
    ...[0.6, 2.4, 5.4].map((above) => path(contour(fit, above), 'fit')),
    ...[0.6, 2.4, 5.4].map((above) => path(contour(heldOut, above), 'held')),
    path([least, ...steps.map((ridge) => solution(fit, ridge)), [0, 0]], 'path'),
    ...grid.map(({ at }) => dot(at, 4, 'factor')),
    ...grid.filter((one) => one !== best).map(({ factor, at }) => label(at, String(factor), [-36, 4], 'small')),
    dot(least, 5, 'fitDot'),
    dot(judged, 5, 'heldDot'),
    dot(best.at, 7, 'best'),
    label(least, 'least squares, no ridge', [10, 5], 'fitWords'),
    label(judged, 'least held-out error', [10, -8], 'heldWords'),
    label(best.at, `chosen: factor ${best.factor}`, [-148, 5], 'bestWords'),
    label([0, 0], 'weights as they are (λ → ∞)', [-160, 20]),
    text(24, HEIGHT - 42, '—— equal error on the rows of the fit', { class: 'fitWords' }),
    text(24, HEIGHT - 20, '- - - equal error on the held-out rows', { class: 'heldWords' }),
  );
}

const file = process.argv[2] ?? fileURLToPath(new URL('../docs/images/ridge.svg', import.meta.url));
const seed = Number(process.argv[3] ?? 11);
const { markup } = picture(sumsOf(seed, 12), sumsOf(seed + 1000, 12));
// A file of its own, unlike a drawing inside a page, names its language.
writeFileSync(file, `${markup.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ')}\n`);
