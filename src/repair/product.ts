/**
 * Products of f64 matrices on the host: the part of a fit that takes the time.
 *
 * All of them have one shape, C ← C − A Bᵀ, because a factorisation, a triangular solve and a
 * quadratic form can each be written so that both operands are read along their rows.
 */

/** A matrix inside a larger array: its first element, and how far apart its rows are. */
export interface Panel {
  readonly values: Float64Array;
  readonly at: number;
  readonly stride: number;
}

/** Rows and columns of C that are summed together: 16 sums in registers for 8 numbers read. */
const TILE = 4;
/** Rows of B, and numbers of each, that stay in the nearest caches while all of A passes by. */
const STRIP = 32;
const DEPTH = 256;

/**
 * C[i, j] ← C[i, j] − Σ_k A[i, k] · B[j, k] for i < rows, j < columns, k < depth. C must not
 * overlap what is read of A and B. Terms are added in the order of k, in running sums of up to 256,
 * wherever an element lies; so its bits do not depend on the tile it falls into.
 */
export function subtractProduct(c: Panel, a: Panel, b: Panel, rows: number, columns: number, depth: number): void {
  for (let from = 0; from < depth; from += DEPTH) {
    const [x, y] = [a, b].map((panel) => ({ ...panel, at: panel.at + from }));
    for (let strip = 0; strip < columns; strip += STRIP) {
      const range: Range = { rows, from: strip, to: Math.min(columns, strip + STRIP) };
      subtractStrip(c, x, y, range, Math.min(DEPTH, depth - from));
    }
  }
}

/** Rows i < rows and columns from ≤ j < to of C. */
interface Range {
  readonly rows: number;
  readonly from: number;
  readonly to: number;
}

function subtractStrip(c: Panel, a: Panel, b: Panel, { rows, from, to }: Range, depth: number): void {
  const [rowEnd, columnEnd] = [rows - (rows % TILE), to - ((to - from) % TILE)];
  for (let i = 0; i < rowEnd; i += TILE) {
    for (let j = from; j < columnEnd; j += TILE) subtractTile(c, a, b, i, j, depth);
  }
  for (let i = 0; i < rows; i++) {
    for (let j = i < rowEnd ? columnEnd : from; j < to; j++) subtractOne(c, a, b, i, j, depth);
  }
}

function subtractOne(c: Panel, a: Panel, b: Panel, i: number, j: number, depth: number): void {
  const [p, q] = [a.at + i * a.stride, b.at + j * b.stride];
  let sum = 0;
  for (let k = 0; k < depth; k++) sum += a.values[p + k] * b.values[q + k];
  c.values[c.at + i * c.stride + j] -= sum;
}

/** The same for four rows from i on and four columns from j on, each as `subtractOne` does it. */
function subtractTile(c: Panel, a: Panel, b: Panel, i: number, j: number, depth: number): void {
  const { values: x } = a;
  const { values: y } = b;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  let p0 = a.at + i * a.stride;
  let p1 = p0 + a.stride;
  let p2 = p1 + a.stride;
  let p3 = p2 + a.stride;
  let q0 = b.at + j * b.stride;
  let q1 = q0 + b.stride;
  let q2 = q1 + b.stride;
  let q3 = q2 + b.stride;
  for (let k = 0; k < depth; k++) {
    const y0 = y[q0++];
    const y1 = y[q1++];
    const y2 = y[q2++];
    const y3 = y[q3++];
    const x0 = x[p0++];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    const x1 = x[p1++];
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    const x2 = x[p2++];
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    const x3 = x[p3++];
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  const { values: z, stride } = c;
  let at = c.at + i * stride + j;
  z[at] -= s00;
  z[at + 1] -= s01;
  z[at + 2] -= s02;
  z[at + 3] -= s03;
  at += stride;
  z[at] -= s10;
  z[at + 1] -= s11;
  z[at + 2] -= s12;
  z[at + 3] -= s13;
  at += stride;
  z[at] -= s20;
  z[at + 1] -= s21;
  z[at + 2] -= s22;
  z[at + 3] -= s23;
  at += stride;
  z[at] -= s30;
  z[at + 1] -= s31;
  z[at + 2] -= s32;
  z[at + 3] -= s33;
}

/** A Bᵀ of whole matrices, A [rows, depth] and B [columns, depth] → [rows, columns]. */
export function productOf(a: Float64Array, b: Float64Array, depth: number): Float64Array {
  const [rows, columns] = [a.length / depth, b.length / depth];
  const out = new Float64Array(rows * columns);
  const whole = (values: Float64Array, stride: number): Panel => ({ values, at: 0, stride });
  subtractProduct(whole(out, columns), whole(a, depth), whole(b, depth), rows, columns, depth);
  return out.map((value) => 0 - value);
}
