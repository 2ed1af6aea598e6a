import type { AttentionSpec } from '../backend.ts';
import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';
import type { GpuTensor } from './gpuTensor.ts';

/** Elements of scores, and as many weights, that may stand at a time: 2 × 16 MiB. */
const SCORES = 2 ** 22;

/**
 * Grouped-query causal attention of q's rows from … to (see kernels/attention.ts): [to − from,
 * H·D]. Rows with more than `most` scores are halved and their results stacked; a row's arithmetic
 * does not notice.
 */
export function attention(
  device: GpuDevice,
  arrays: { readonly q: GpuTensor; readonly k: GpuTensor; readonly v: GpuTensor },
  spec: AttentionSpec,
  most: number = SCORES,
  from: number = 0,
  to: number = arrays.q.rows,
): GpuBuffer {
  const { q, k, v } = arrays;
  const { numHeads, numKvHeads, headDim, seqLen, keyLen } = spec;
  const rows = to - from;
  if (rows > 1 && rows * numHeads * keyLen > most) {
    const middle = from + Math.ceil(rows / 2);
    const upper = attention(device, arrays, spec, most, from, middle);
    const lower = attention(device, arrays, spec, most, middle, to);
    const both = device.run('stack', rows, q.cols, [upper, 0, lower, 0, q.cols, middle - from]);
    device.discard(upper);
    device.discard(lower);
    return both;
  }
  const place = [numHeads, numKvHeads, headDim, from, seqLen, keyLen, Math.min(spec.window ?? keyLen, keyLen)];
  const scores = device.run('scores', rows * numHeads, keyLen, [q.buffer, q.at, k.buffer, k.at, ...place]);
  const highest = device.run('rowHighest', rows * numHeads, 1, [scores, keyLen]);
  const inputs = [q.buffer, q.at, k.buffer, k.at, numHeads, numKvHeads, headDim, from, seqLen, keyLen];
  const weights = device.run('weights', rows * numHeads, keyLen, [scores, highest, ...inputs]);
  const totals = device.run('rowTotal', rows * numHeads, 1, [weights, keyLen]);
  const mixed = device.run('mix', rows, q.cols, [weights, totals, v.buffer, v.at, ...place]);
  for (const buffer of [scores, highest, weights, totals]) device.discard(buffer);
  return mixed;
}
