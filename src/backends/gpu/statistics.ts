/** The statistics ops, each of several kernels (kernels/statistics.ts). */
import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';
import type { GpuTensor } from './gpuTensor.ts';

/**
 * Rows whose sum is taken before it is added up; kernels/statistics.ts has the number in its loops.
 */
const RUN = 64;
/** Strided sums that a row's products are added up in. */
const PARTS = 8;

/** Each column's sum of squares: [1, C]. */
export function columnSquares(device: GpuDevice, { buffer, at, rows, cols }: GpuTensor): GpuBuffer {
  const count = Math.ceil(rows / RUN);
  const runs = device.run('columnSquareRuns', count, cols, [buffer, at, rows, cols]);
  const totals = device.run('columnTotals', 1, cols, [runs, count, cols]);
  device.discard(runs);
  return totals;
}

/** xᵀx: [C, C]. */
export function gram(device: GpuDevice, { buffer, at, rows, cols }: GpuTensor): GpuBuffer {
  return device.run('gram', cols, cols, [buffer, at, rows, cols, Math.ceil(rows / RUN)]);
}

/** The cosines of x's rows and y's: [R, 1]. */
export function rowCosines(device: GpuDevice, x: GpuTensor, y: GpuTensor): GpuBuffer {
  const { rows, cols } = x;
  const parts = Math.min(PARTS, cols);
  const largest = (z: GpuTensor): GpuBuffer => device.run('rowLargest', rows, parts, [z.buffer, z.at, cols, parts]);
  const [xLargest, yLargest] = [largest(x), largest(y)];
  const [first, second] = [[x.buffer, x.at, xLargest] as const, [y.buffer, y.at, yLargest] as const];
  const products = ([a, b]: readonly (typeof first)[]): GpuBuffer => {
    return device.run('scaledProducts', rows, parts, [...a, ...b, cols, parts]);
  };
  const sums = [products([first, second]), products([first, first]), products([second, second])];
  const result = device.run('cosines', rows, 1, [...sums, parts]);
  for (const used of [xLargest, yLargest, ...sums]) device.discard(used);
  return result;
}
