/** Whole rows moved about: out of a table, back into one, and into wider rows. */
import { addRow } from './sums';

/** out [R, columns]: rows `ids` of the table. */
export function gatherRows(out: usize, table: usize, ids: usize, columns: i32, rowFrom: i32, rowTo: i32): void {
  const bytes = <usize>columns << 2;
  for (let row = rowFrom; row < rowTo; row++) {
    const id = load<i32>(ids + (<usize>row << 2));
    memory.copy(out + <usize>row * bytes, table + <usize>id * bytes, bytes);
  }
}

/**
 * Rows rowFrom ≤ r < rowTo of out: the sums, in order, of dy's rows [count, columns] whose id is r.
 */
export function scatterRows(
  out: usize,
  dy: usize,
  ids: usize,
  count: i32,
  columns: i32,
  rowFrom: i32,
  rowTo: i32,
): void {
  const bytes = <usize>columns << 2;
  memory.fill(out + <usize>rowFrom * bytes, 0, <usize>(rowTo - rowFrom) * bytes);
  for (let i = 0; i < count; i++) {
    const id = load<i32>(ids + (<usize>i << 2));
    if (id >= rowFrom && id < rowTo) addRow(out + <usize>id * bytes, dy + <usize>i * bytes, columns);
  }
}

/** out [R, columns]: zeros, and dy [R, width] in the columns from `at` on. */
export function placeColumns(
  out: usize,
  dy: usize,
  at: i32,
  width: i32,
  columns: i32,
  rowFrom: i32,
  rowTo: i32,
): void {
  const bytes = <usize>columns << 2;
  const part = <usize>width << 2;
  memory.fill(out + <usize>rowFrom * bytes, 0, <usize>(rowTo - rowFrom) * bytes);
  for (let row = rowFrom; row < rowTo; row++) {
    memory.copy(out + <usize>row * bytes + (<usize>at << 2), dy + <usize>row * part, part);
  }
}
