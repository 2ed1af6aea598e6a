/**
 * Matrices rearranged for the tiles of `linear`: transposed four by four, or packed into panels of
 * eight columns. Strides are in bytes.
 */

/** to [columns, rows] = from [rows, columns] transposed. */
export function transpose(to: usize, toStride: usize, from: usize, fromStride: usize, rows: i32, columns: i32): void {
  const evenRows = rows & ~3;
  const evenColumns = columns & ~3;
  for (let row = 0; row < evenRows; row += 4) {
    let source = from + <usize>row * fromStride;
    let target = to + (<usize>row << 2);
    for (let column = 0; column < evenColumns; column += 4) {
      const a = v128.load(source);
      const b = v128.load(source + fromStride);
      const c = v128.load(source + 2 * fromStride);
      const d = v128.load(source + 3 * fromStride);
      const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
      v128.store(target, v128.shuffle<u64>(ab, cd, 0, 2));
      v128.store(target + toStride, v128.shuffle<u64>(ab, cd, 1, 3));
      const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
      const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
      v128.store(target + 2 * toStride, v128.shuffle<u64>(abHigh, cdHigh, 0, 2));
      v128.store(target + 3 * toStride, v128.shuffle<u64>(abHigh, cdHigh, 1, 3));
      source += 16;
      target += 4 * toStride;
    }
  }
  transposeOneByOne(to, toStride, from, fromStride, 0, evenRows, evenColumns, columns);
  transposeOneByOne(to, toStride, from, fromStride, evenRows, rows, 0, columns);
}

function transposeOneByOne(
  to: usize,
  toStride: usize,
  from: usize,
  fromStride: usize,
  rowFrom: i32,
  rowTo: i32,
  columnFrom: i32,
  columnTo: i32,
): void {
  for (let column = columnFrom; column < columnTo; column++) {
    for (let row = rowFrom; row < rowTo; row++) {
      const value = load<f32>(from + <usize>row * fromStride + (<usize>column << 2));
      store<f32>(to + <usize>column * toStride + (<usize>row << 2), value);
    }
  }
}

/**
 * X [rows, columns] into panels [⌈columns/8⌉][rows][8], `panelBytes` apart, zero-padded: for y = a
 * X.
 */
export function packRows(panels: usize, panelBytes: usize, x: usize, stride: usize, rows: i32, columns: i32): void {
  for (let column = 0; column < columns; column += 8) {
    const width = min(8, columns - column);
    let from = x + (<usize>column << 2);
    let to = panels + <usize>(column >> 3) * panelBytes;
    for (let row = 0; row < rows; row++) {
      if (width == 8) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      } else {
        for (let i = 0; i < 8; i++) {
          store<f32>(to + (<usize>i << 2), i < width ? load<f32>(from + (<usize>i << 2)) : 0);
        }
      }
      from += stride;
      to += 32;
    }
  }
}

/** X [rows, columns] into panels [⌈rows/8⌉][columns][8], zero-padded: for y = a Xᵀ. */
export function packTransposed(panels: usize, x: usize, stride: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row += 8) {
    const panel = panels + (<usize>(row * columns) << 2);
    const count = min(8, rows - row);
    if (count < 8) memory.fill(panel, 0, <usize>columns << 5);
    transpose(panel, 32, x + <usize>row * stride, stride, count, columns);
  }
}
