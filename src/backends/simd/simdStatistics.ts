/**
 * The statistics ops over the kernels of assembly/statistics.ts, which are a module of their own
 * (statisticsKernels.ts).
 */
import type { SimdDevice } from './simdDevice.ts';
import type { SimdTensor } from './simdTensor.ts';

/** Rows of x that are packed and multiplied at a time; CUT of assembly/statistics.ts. */
const GRAM_CUT = 128;
/** What both sides of its tile, six rows and four columns, divide. */
const GRAM_STEP = 12;

/** out [1, C]: x's columns' sums of squares. */
export function columnSquares(device: SimdDevice, out: SimdTensor, x: SimdTensor): void {
  const { rows, cols } = x;
  device.run('columnSquares', [out.offset, x.offset, 0, cols, rows], {
    units: cols,
    align: 16,
    costPerUnit: rows,
    scratchArgument: 2,
    scratchFloats: 2 * cols,
  });
}

/** out [R, 1]: the cosines of x's rows and y's. */
export function rowCosines(device: SimdDevice, out: SimdTensor, x: SimdTensor, y: SimdTensor): void {
  device.runRows('rowCosines', [out.offset, x.offset, y.offset, x.cols], x.rows, 4 * x.cols);
}

/** out [C, C]: xᵀx. Sums [C, C] and a cut of x, packed in two ways, stand beside it as f64. */
export function gram(device: SimdDevice, out: SimdTensor, x: SimdTensor): void {
  const { rows, cols } = x;
  const width = Math.ceil(cols / GRAM_STEP) * GRAM_STEP;
  const { arena } = device;
  const sums = arena.allocate(width * width * 8, 'short');
  try {
    const packed = arena.allocate(2 * width * GRAM_CUT * 8, 'short');
    try {
      const panels = packed.offset + width * GRAM_CUT * 8;
      for (let from = 0; from < rows; from += GRAM_CUT) {
        const length = Math.min(GRAM_CUT, rows - from);
        const source = x.offset + from * cols * 4;
        device.run('gramPack', [packed.offset, panels, source, cols, length], {
          units: width,
          align: GRAM_STEP,
          costPerUnit: length,
        });
        device.run('gramCut', [sums.offset, packed.offset, panels, width, length, from > 0 ? 1 : 0], {
          units: width,
          align: 6,
          costPerUnit: (length * width) / 2,
        });
      }
    } finally {
      arena.release(packed);
    }
    device.runRows('gramRound', [out.offset, sums.offset, cols, width], cols, cols);
  } finally {
    arena.release(sums);
  }
}
