/**
 * Sums over rows: rows are cut every 64, each cut has its sums in a row of its own, and `addCuts`
 * adds those up. The cuts are the units, so that the sums are the same however many threads share
 * them.
 */

/** Rows of a cut; CUT_ROWS of ../simdGradientScope.ts. */
export const CUT_ROWS: i32 = 64;

/** Sums of dy's columns over cuts cutFrom ≤ c < cutTo, into rows c of cuts [⌈rows/64⌉, columns]. */
export function columnSums(cuts: usize, dy: usize, columns: i32, rows: i32, cutFrom: i32, cutTo: i32): void {
  const bytes = <usize>columns << 2;
  for (let cut = cutFrom; cut < cutTo; cut++) {
    const sums = cuts + <usize>cut * bytes;
    memory.fill(sums, 0, bytes);
    const end = min(rows, (cut + 1) * CUT_ROWS);
    for (let row = cut * CUT_ROWS; row < end; row++) addRow(sums, dy + <usize>row * bytes, columns);
  }
}

/** sums [columns] += x [columns]. */
export function addRow(sums: usize, x: usize, columns: i32): void {
  let i = 0;
  for (; i + 4 <= columns; i += 4) {
    const at = <usize>i << 2;
    v128.store(sums + at, f32x4.add(v128.load(sums + at), v128.load(x + at)));
  }
  for (; i < columns; i++) {
    const at = <usize>i << 2;
    store<f32>(sums + at, load<f32>(sums + at) + load<f32>(x + at));
  }
}

/** out [columns]: the sums of all cuts, in f64, for columns from ≤ i < to. */
export function addCuts(out: usize, cuts: usize, columns: i32, count: i32, from: i32, to: i32): void {
  for (let i = from; i < to; i++) {
    let total: f64 = 0;
    for (let cut = 0; cut < count; cut++) total += <f64>load<f32>(cuts + (<usize>(cut * columns + i) << 2));
    store<f32>(out + (<usize>i << 2), <f32>total);
  }
}
