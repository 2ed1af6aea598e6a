/** How the tiles of `linear` store a row of sums. */

/**
 * Stores the first `columns` (1 … 8) of eight results: `added` to what is there, and with the bias
 * where it is given.
 */
// @ts-ignore: decorator
@inline
export function store8(out: usize, c0: v128, c1: v128, bias: usize, columns: i32, added: bool): void {
  if (columns < 8) {
    storeTail(out, c0, c1, bias, columns, added);
    return;
  }
  if (added) {
    c0 = f32x4.add(v128.load(out), c0);
    c1 = f32x4.add(v128.load(out, 16), c1);
  }
  if (bias) {
    c0 = f32x4.add(c0, v128.load(bias));
    c1 = f32x4.add(c1, v128.load(bias, 16));
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
}

function storeTail(out: usize, c0: v128, c1: v128, bias: usize, columns: i32, added: bool): void {
  for (let i = 0; i < columns; i++) {
    let value = f32x4.extract_lane(i < 4 ? c0 : c1, 0);
    if (added) value = load<f32>(out) + value;
    if (bias) value += load<f32>(bias + (<usize>i << 2));
    store<f32>(out, value);
    out += 4;
    // Rotate the next lane into place.
    if (i < 4) c0 = v128.shuffle<u32>(c0, c0, 1, 2, 3, 0);
    else c1 = v128.shuffle<u32>(c1, c1, 1, 2, 3, 0);
  }
}

/** Stores sixteen results: `added` to what is there, and with the bias where it is given. */
// @ts-ignore: decorator
@inline
export function store16(out: usize, c0: v128, c1: v128, c2: v128, c3: v128, bias: usize, added: bool): void {
  if (added) {
    c0 = f32x4.add(v128.load(out), c0);
    c1 = f32x4.add(v128.load(out, 16), c1);
    c2 = f32x4.add(v128.load(out, 32), c2);
    c3 = f32x4.add(v128.load(out, 48), c3);
  }
  if (bias) {
    c0 = f32x4.add(c0, v128.load(bias));
    c1 = f32x4.add(c1, v128.load(bias, 16));
    c2 = f32x4.add(c2, v128.load(bias, 32));
    c3 = f32x4.add(c3, v128.load(bias, 48));
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
}
