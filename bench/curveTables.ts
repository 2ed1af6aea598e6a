/** Curves as Markdown: a row for each op and size with the engines side by side, then where each gpu.js mode wins. */
import { formatSignificant } from '../src/drawing/numbers.ts';
import { beatsSimd, curvesOf, engineLabel, ofGpuJs, type Curve } from './curves.ts';
import type { Row } from './document.ts';

/** Lines of two tables; none where the rows hold no curve. */
export function curveTables(rows: readonly Row[]): string[] {
  const curves = curvesOf(rows);
  if (curves.length === 0) return [];
  const engines = [...new Set(curves.map(engineLabel))];
  const ops = [...new Set(curves.map(({ op }) => op))];
  const modes = engines.filter((engine) => curves.some((curve) => ofGpuJs(curve) && engineLabel(curve) === engine));
  return [
    'Milliseconds of a call, of many queued before one is waited for; size is rows, for attention keys. A dash: it would have taken too long.',
    '',
    ...table(
      ['op', 'size', ...engines],
      ops.flatMap((op) => timesOf(op, curves, engines)),
    ),
    'The size from which on it is faster than simd, by whatever number of threads:',
    '',
    ...table(
      ['op', ...modes],
      ops.map((op) => [op, ...modes.map((mode) => winsFrom(op, mode, curves))]),
    ),
  ];
}

function timesOf(op: string, curves: readonly Curve[], engines: readonly string[]): string[][] {
  const ofOp = curves.filter((curve) => curve.op === op);
  const sizes = [...new Set(ofOp.flatMap(({ points }) => points.map(({ size }) => size)))].toSorted((a, b) => a - b);
  return sizes.map((size) => {
    const cells = engines.map((engine) => {
      const curve = ofOp.find((one) => engineLabel(one) === engine);
      const point = curve?.points.find((one) => one.size === size);
      return point === undefined ? '–' : formatSignificant(point.ms);
    });
    return [op, String(size), ...cells];
  });
}

/** `256`, or `not here`. */
function winsFrom(op: string, mode: string, curves: readonly Curve[]): string {
  const curve = curves.find((one) => one.op === op && engineLabel(one) === mode);
  return curve === undefined ? '–' : String(beatsSimd(curve, curves) ?? 'not here');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line), ''];
}
