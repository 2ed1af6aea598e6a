import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';
import type { GpuTensor } from './gpuTensor.ts';

/**
 * The rows of all parts, which are of equal width, one part below the other. A kernel has a fixed
 * number of inputs, so it takes two: more parts are halved, and each row is copied log₂(parts)
 * times at most.
 */
export function stack(device: GpuDevice, parts: readonly GpuTensor[]): GpuBuffer {
  const [{ buffer, at, rows, cols }] = parts;
  if (parts.length === 1) return device.run('copy', rows, cols, [buffer, at, cols]);
  const middle = parts.length >> 1;
  const [upper, lower] = [half(device, parts.slice(0, middle)), half(device, parts.slice(middle))];
  const split = upper.rows;
  const both = device.run('stack', split + lower.rows, cols, [...upper.array, ...lower.array, cols, split]);
  for (const { made } of [upper, lower]) if (made !== null) device.discard(made);
  return both;
}

/** Parts as one array of a kernel: a single one as it lies. */
function half(
  device: GpuDevice,
  parts: readonly GpuTensor[],
): { array: [GpuBuffer, number]; rows: number; made: GpuBuffer | null } {
  const [{ buffer, at, rows }] = parts;
  if (parts.length === 1) return { array: [buffer, at], rows, made: null };
  const made = stack(device, parts);
  return { array: [made, 0], rows: parts.reduce((sum, part) => sum + part.rows, 0), made };
}
