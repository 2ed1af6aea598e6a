/** Second opinions on the statistics ops, in f64 and written another way than src/ops. */
import { exact, timesTransposed, type Oracle } from './oracles.ts';

/** Each column's squared length, by hypot. */
export function columnSquaresOracle(x: Float32Array, rows: number, cols: number): Oracle {
  const column = (at: number): number[] => Array.from({ length: rows }, (_, row) => x[row * cols + at]);
  const values = Float64Array.from({ length: cols }, (_, at) => Math.hypot(...column(at)) ** 2);
  return { ...exact(values), count: rows };
}

/** The columns as rows, times themselves, by dgemm. */
export function gramOracle(x: Float32Array, rows: number, cols: number): Oracle {
  const turned = Float64Array.from(x, (_, index) => x[(index % rows) * cols + Math.floor(index / rows)]);
  const sizes = turned.map(Math.abs);
  return {
    values: timesTransposed(turned, turned, cols, cols, rows),
    terms: timesTransposed(sizes, sizes, cols, cols, rows),
    count: rows,
  };
}

/** The dot product of both rows as unit vectors. */
export function rowCosinesOracle(x: Float32Array, y: Float32Array, cols: number): Oracle {
  const unit = (of: Float32Array, row: number): number[] => {
    const part = [...of.subarray(row * cols, (row + 1) * cols)];
    const length = Math.hypot(...part);
    return part.map((value) => value / length);
  };
  const rows = x.length / cols;
  const pairs = Array.from({ length: rows }, (_, row) => [unit(x, row), unit(y, row)] as const);
  const total = (size: (value: number) => number): Float64Array => {
    return Float64Array.from(pairs, ([a, b]) => a.reduce((sum, value, i) => sum + size(value * b[i]), 0));
  };
  return { values: total((value) => value), terms: total(Math.abs), count: cols };
}
