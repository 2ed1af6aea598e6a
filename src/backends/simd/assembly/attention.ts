import { K_GROUP, multiply } from './linear';
import { packRows, packTransposed } from './panels';
import { mixExactly, mixOwn, weighExactly } from './exactAttention';
import { exponentiate, extremes, sumLanes } from './vector';

/**
 * Causal grouped-query attention by the tiles of `linear`. A sequence's keys and values of one head
 * are packed into panels once; then twelve query rows at a time get their scores (queries × keys),
 * turn them into weights, and mix the values (weights × values). No [T, T] matrix exists, only
 * twelve rows of one.
 *
 * A row sees the keys of its tile's last row, those beyond its own position with weight 0, which
 * changes no sum. Its arithmetic depends on its own position and keys only: not on the rows around
 * it, the thread, or whether the keys came from a cache. Windows begin at a multiple of K_GROUP so
 * that the groups of every row's sums begin at the same keys.
 *
 * Where a score or a mix leaves f32's range, that row is computed again (exactAttention.ts).
 *
 * Units are (sequence, head) pairs: unit = sequence · numHeads + head.
 */

const TILE_ROWS: i32 = 12;

/**
 * `scratch` holds, in floats: key panels ⌈keyLen/8⌉·8·D, value panels ⌈D/8⌉·8·keyLen, scores
 * 12·⌈keyLen/8⌉·8 and 12 sums (attentionScratch in ../simdScope.ts).
 */
export function attention(
  out: usize,
  q: usize,
  k: usize,
  v: usize,
  scratch: usize,
  numHeads: i32,
  numKvHeads: i32,
  headDim: i32,
  seqLen: i32,
  keyLen: i32,
  window: i32,
  scale: f32,
  unitFrom: i32,
  unitTo: i32,
): void {
  const queryWidth = numHeads * headDim;
  const keyWidth = numKvHeads * headDim;
  const keyStride = <usize>keyWidth << 2;
  const group = numHeads / numKvHeads;
  const paddedKeys = (keyLen + 7) & ~7;
  const keyPanels = scratch;
  const valuePanels = keyPanels + (<usize>(paddedKeys * headDim) << 2);
  const scores = valuePanels + (<usize>(((headDim + 7) & ~7) * keyLen) << 2);
  const sums = scores + (<usize>(TILE_ROWS * paddedKeys) << 2);
  let packed = -1;
  for (let unit = unitFrom; unit < unitTo; unit++) {
    const sequence = unit / numHeads;
    const head = unit % numHeads;
    const keyHead = sequence * numKvHeads + head / group;
    const keyAt = <usize>(sequence * keyLen * keyWidth + (head / group) * headDim) << 2;
    if (keyHead != packed) {
      packTransposed(keyPanels, k + keyAt, keyStride, keyLen, headDim);
      packRows(valuePanels, <usize>keyLen << 5, v + keyAt, keyStride, keyLen, headDim);
      packed = keyHead;
    }
    for (let t = 0; t < seqLen; t += TILE_ROWS) {
      const rows = min(TILE_ROWS, seqLen - t);
      const position = keyLen - seqLen + t;
      const first = window > 0 ? max(0, position - window + 1) & ~(K_GROUP - 1) : 0;
      const count = position + rows - first;
      const stride = (count + 7) & ~7;
      const at = <usize>((sequence * seqLen + t) * queryWidth + head * headDim) << 2;
      const panels = keyPanels + (<usize>(first * headDim) << 2);
      multiply(scores, stride, q + at, queryWidth, panels, <usize>headDim << 5, 0, headDim, stride, 0, rows);
      for (let r = 0; r < rows; r++) {
        const from = window > 0 ? max(0, position + r - window + 1) - first : 0;
        const row = scores + (<usize>(r * stride) << 2);
        let sum = weigh(row, from, position + r + 1 - first, stride, scale);
        if (sum != sum) {
          const query = q + at + (<usize>(r * queryWidth) << 2);
          const keys = k + keyAt + <usize>first * keyStride;
          sum = weighExactly(row, query, keys, keyStride, headDim, from, position + r + 1 - first, stride);
        }
        store<f32>(sums + (<usize>r << 2), sum);
      }
      const values = valuePanels + (<usize>first << 5);
      multiply(out + at, queryWidth, scores, stride, values, <usize>keyLen << 5, 0, count, headDim, 0, rows);
      for (let r = 0; r < rows; r++) {
        const to = out + at + (<usize>(r * queryWidth) << 2);
        const sum = load<f32>(sums + (<usize>r << 2));
        if (divide(to, headDim, sum) || sum != sum) continue;
        const from = window > 0 ? max(first, position + r - window + 1) - first : 0;
        const row = scores + (<usize>(r * stride) << 2);
        mixOwn(to, row, values, <usize>keyLen << 5, headDim, from, position + r + 1 - first);
        if (divide(to, headDim, sum)) continue;
        const ownValues = v + keyAt + <usize>first * keyStride;
        mixExactly(to, row, ownValues, keyStride, headDim, from, position + r + 1 - first);
      }
    }
  }
}

/**
 * Turns the scores from … to − 1 of a row into weights exp(scale · (score − max)), all others of it
 * into 0, and returns the weights' sum. Vectors begin at multiples of four keys, whatever the
 * range. NaN where a score has left f32's range; the weights are then of no use.
 */
export function weigh(row: usize, from: i32, to: i32, stride: i32, scale: f32): f32 {
  const begin = from & ~3;
  const end = (to + 3) & ~3;
  const first = row + (<usize>begin << 2);
  const last = row + (<usize>end << 2);
  // One of its own scores in the place of those it does not see.
  fillEnds(row, from, to, load<f32>(row + (<usize>from << 2)));
  const both = extremes(first, last);
  const highest = f32x4.extract_lane(both, 0);
  if (highest == Infinity || f32x4.extract_lane(both, 1) == -Infinity) return NaN;
  fillEnds(row, from, to, -Infinity);
  exponentiate(first, last, highest, scale);
  let total = f32x4.splat(0);
  for (let at = first; at < last; at += 16) total = f32x4.add(total, v128.load(at));
  const zero = f32x4.splat(0);
  for (let at = row; at < first; at += 16) v128.store(at, zero);
  for (let at = last; at < row + (<usize>stride << 2); at += 16) v128.store(at, zero);
  return sumLanes(total);
}

/** Numbers before `from` and from `to` on, up to whole vectors. */
function fillEnds(row: usize, from: i32, to: i32, value: f32): void {
  for (let j = from & ~3; j < from; j++) store<f32>(row + (<usize>j << 2), value);
  for (let j = to; j & 3; j++) store<f32>(row + (<usize>j << 2), value);
}

/** x / sum, as x · (1 / sum). Whether all of it is finite. */
function divide(x: usize, length: i32, sum: f32): bool {
  const inverse: f32 = 1.0 / sum;
  const inverse4 = f32x4.splat(inverse);
  const zero = f32x4.splat(0);
  // 0 · y is 0 for every finite y, and NaN for all else.
  let nothing = zero;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const at = x + (<usize>i << 2);
    const y = f32x4.mul(v128.load(at), inverse4);
    nothing = f32x4.add(nothing, f32x4.mul(y, zero));
    v128.store(at, y);
  }
  let rest = sumLanes(nothing);
  for (; i < length; i++) {
    const at = x + (<usize>i << 2);
    const y = load<f32>(at) * inverse;
    rest += y * 0;
    store<f32>(at, y);
  }
  return rest == 0;
}
