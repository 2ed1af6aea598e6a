/**
 * Sums over activations. There is no f64 on a GPU, so a sum over rows has two levels: runs of 64
 * rows, and the sum of the runs. So its rounding errors are those of 64 + rows / 64 additions at
 * most, not of `rows`. (Compensated sums would not do: WGSL lets a compiler simplify them away.)
 *
 * Shapes: x, y [rows, n].
 */
import { program, type KernelThread, type Program } from './kernel.ts';

/** Each column's squares, summed over the rows of one run: [runs, n]. */
function columnSquareRuns(this: KernelThread, x: number[], xAt: number, rows: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < 64; i++) {
    if (this.thread.y * 64 + i < rows) {
      const value = x[xAt + (this.thread.y * 64 + i) * n + this.thread.x];
      sum += value * value;
    }
  }
  return sum;
}

export const columnSquareRunsProgram: Program = program(columnSquareRuns, ['array', 'integer', 'integer', 'integer']);

/** The sums of the columns of runs [count, n]: [1, n]. */
function columnTotals(this: KernelThread, runs: number[], count: number, n: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += runs[i * n + this.thread.x];
  return total;
}

export const columnTotalsProgram: Program = program(columnTotals, ['array', 'integer', 'integer']);

/** xᵀx: [n, n]. `runs` is rows / 64, rounded up. */
function gramRows(this: KernelThread, x: number[], xAt: number, rows: number, n: number, runs: number): number {
  let total = 0;
  for (let run = 0; run < runs; run++) {
    let sum = 0;
    for (let i = 0; i < 64; i++) {
      if (run * 64 + i < rows) {
        sum += x[xAt + (run * 64 + i) * n + this.thread.y] * x[xAt + (run * 64 + i) * n + this.thread.x];
      }
    }
    total += sum;
  }
  return total;
}

export const gramProgram: Program = program(gramRows, ['array', 'integer', 'integer', 'integer', 'integer']);

/** The largest size among the strided parts of each row: [rows, parts]. */
function rowLargest(this: KernelThread, x: number[], xAt: number, n: number, parts: number): number {
  let largest = 0;
  for (let i = 0; i * parts + this.thread.x < n; i++) {
    largest = Math.max(largest, Math.abs(x[xAt + this.thread.y * n + this.thread.x + i * parts]));
  }
  return largest;
}

export const rowLargestProgram: Program = program(rowLargest, ['array', 'integer', 'integer', 'integer']);

/**
 * x · y over the strided parts of each row, both divided by their row's largest number, so that no
 * square leaves f32's range: [rows, parts]. `xLargest` and `yLargest` are [rows, parts].
 */
function scaledProducts(
  this: KernelThread,
  x: number[],
  xAt: number,
  xLargest: number[],
  y: number[],
  yAt: number,
  yLargest: number[],
  n: number,
  parts: number,
): number {
  let xScale = 0;
  let yScale = 0;
  for (let part = 0; part < parts; part++) {
    xScale = Math.max(xScale, xLargest[this.thread.y * parts + part]);
    yScale = Math.max(yScale, yLargest[this.thread.y * parts + part]);
  }
  if (xScale === 0) xScale = 1;
  if (yScale === 0) yScale = 1;
  let sum = 0;
  for (let i = 0; i * parts + this.thread.x < n; i++) {
    const a = x[xAt + this.thread.y * n + this.thread.x + i * parts] / xScale;
    sum += a * (y[yAt + this.thread.y * n + this.thread.x + i * parts] / yScale);
  }
  return sum;
}

export const scaledProductsProgram: Program = program(scaledProducts, [
  'array',
  'integer',
  'array',
  'array',
  'integer',
  'array',
  'integer',
  'integer',
]);

/**
 * The cosine from the parts [rows, parts] of x · y, x · x and y · y: [rows, 1]. A row's largest
 * number is ±1 here, so that its square is 0 for a row of zeros alone.
 */
function cosines(this: KernelThread, xy: number[], xx: number[], yy: number[], parts: number): number {
  let product = 0;
  let xSquare = 0;
  let ySquare = 0;
  for (let part = 0; part < parts; part++) {
    product += xy[this.thread.y * parts + part];
    xSquare += xx[this.thread.y * parts + part];
    ySquare += yy[this.thread.y * parts + part];
  }
  const squares = xSquare * ySquare;
  if (squares === 0) {
    if (xSquare === ySquare) return 1;
    return 0;
  }
  const value = product / Math.sqrt(squares);
  if (value > 1) return 1;
  if (value < -1) return -1;
  return value;
}

export const cosinesProgram: Program = program(cosines, ['array', 'array', 'array', 'integer']);
