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
/** Rows of B whose sums over `depth` are taken while they are in the nearest cache. */
const STRIP = 32;

/**
 * C[i, j] ← C[i, j] − Σ_k A[i, k] · B[j, k] for i < rows, j < columns, k < depth. Each sum is a
 * running one over k from 0, wherever its element lies, so that bits do not depend on tiles. C must
 * not overlap what is read of A and B.
 */
export function subtractProduct(c: Panel, a: Panel, b: Panel, rows: number, columns: number, depth: number): void {
  const wholeRows = rows - (rows % TILE);
  for (let strip = 0; strip < columns; strip += STRIP) {
    const end = Math.min(columns, strip + STRIP);
    const wholeEnd = end - ((end - strip) % TILE);
    for (let i = 0; i < wholeRows; i += TILE) {
      for (let j = strip; j < wholeEnd; j += TILE) subtractTile(c, a, b, i, j, depth);
    }
    subtractPlainly(c, a, b, [0, wholeRows, wholeEnd, end], depth);
    subtractPlainly(c, a, b, [wholeRows, rows, strip, end], depth);
  }
}

/** The same one element at a time, for rows from ≤ i < to and columns from ≤ j < to. */
function subtractPlainly(
  c: Panel,
  a: Panel,
  b: Panel,
  [rowFrom, rowTo, columnFrom, columnTo]: readonly [number, number, number, number],
  depth: number,
): void {
  for (let i = rowFrom; i < rowTo; i++) {
    const row = a.at + i * a.stride;
    for (let j = columnFrom; j < columnTo; j++) {
      const column = b.at + j * b.stride;
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += a.values[row + k] * b.values[column + k];
      c.values[c.at + i * c.stride + j] -= sum;
    }
  }
}

/** The same for four rows from i on and four columns from j on. */
function subtractTile(c: Panel, a: Panel, b: Panel, i: number, j: number, depth: number): void {
  const { values: x } = a;
  const { values: y } = b;
  let [s00, s01, s02, s03] = [0, 0, 0, 0];
  let [s10, s11, s12, s13] = [0, 0, 0, 0];
  let [s20, s21, s22, s23] = [0, 0, 0, 0];
  let [s30, s31, s32, s33] = [0, 0, 0, 0];
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
  subtractFour(c, i, j, s00, s01, s02, s03);
  subtractFour(c, i + 1, j, s10, s11, s12, s13);
  subtractFour(c, i + 2, j, s20, s21, s22, s23);
  subtractFour(c, i + 3, j, s30, s31, s32, s33);
}

function subtractFour({ values, at, stride }: Panel, i: number, j: number, ...sums: number[]): void {
  const from = at + i * stride + j;
  for (let column = 0; column < TILE; column++) values[from + column] -= sums[column];
}

/** A Bᵀ of whole matrices, A [rows, depth] and B [columns, depth] → [rows, columns]. */
export function productOf(a: Float64Array, b: Float64Array, depth: number): Float64Array {
  const [rows, columns] = [a.length / depth, b.length / depth];
  const out = new Float64Array(rows * columns);
  const whole = (values: Float64Array, stride: number): Panel => ({ values, at: 0, stride });
  subtractProduct(whole(out, columns), whole(a, depth), whole(b, depth), rows, columns, depth);
  return out.map((value) => 0 - value);
}
