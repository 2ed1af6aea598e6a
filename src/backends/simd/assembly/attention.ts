import { K_GROUP, multiply } from './linear';
import { packRows, packTransposed } from './panels';
import { exponentiate, highest4, maxLanes, sumLanes } from './vector';

/**
 * Causal grouped-query attention by the tiles of `linear`. A sequence's keys and values of one head are packed into panels
 * once; then twelve query rows at a time get their scores (queries × keys), turn them into weights, and mix the values
 * (weights × values). No [T, T] matrix exists, only twelve rows of one.
 *
 * A row sees the keys of its tile's last row, those beyond its own position with weight 0, which changes no sum. Its
 * arithmetic depends on its own position and keys only: not on the rows around it, the thread, or whether the keys came
 * from a cache. Windows begin at a multiple of K_GROUP so that the groups of every row's sums begin at the same keys.
 *
 * Units are (sequence, head) pairs: unit = sequence · numHeads + head.
 */

const TILE_ROWS: i32 = 12;

/**
 * `scratch` holds, in floats: key panels ⌈keyLen/8⌉·8·D, value panels ⌈D/8⌉·8·keyLen, scores 12·⌈keyLen/8⌉·8 and 12 sums
 * (attentionScratch in ../simdScope.ts).
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
    if (keyHead != packed) {
      const at = <usize>(sequence * keyLen * keyWidth + (head / group) * headDim) << 2;
      packTransposed(keyPanels, k + at, <usize>keyWidth << 2, keyLen, headDim);
      packRows(valuePanels, <usize>keyLen << 5, v + at, <usize>keyWidth << 2, keyLen, headDim);
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
        store<f32>(sums + (<usize>r << 2), weigh(row, from, position + r + 1 - first, stride, scale));
      }
      const values = valuePanels + (<usize>first << 5);
      multiply(out + at, queryWidth, scores, stride, values, <usize>keyLen << 5, 0, count, headDim, 0, rows);
      for (let r = 0; r < rows; r++) {
        divide(out + at + (<usize>(r * queryWidth) << 2), headDim, load<f32>(sums + (<usize>r << 2)));
      }
    }
  }
}

/**
 * Turns the scores from … to − 1 of a row into weights exp(scale · (score − max)), all others of it into 0, and returns
 * the weights' sum. Vectors begin at multiples of four keys, whatever the range.
 */
export function weigh(row: usize, from: i32, to: i32, stride: i32, scale: f32): f32 {
  const begin = from & ~3;
  const end = (to + 3) & ~3;
  for (let j = begin; j < from; j++) store<f32>(row + (<usize>j << 2), -Infinity);
  for (let j = to; j < end; j++) store<f32>(row + (<usize>j << 2), -Infinity);
  const first = row + (<usize>begin << 2);
  const last = row + (<usize>end << 2);
  exponentiate(first, last, maxLanes(highest4(first, last)), scale);
  let total = f32x4.splat(0);
  for (let at = first; at < last; at += 16) total = f32x4.add(total, v128.load(at));
  const zero = f32x4.splat(0);
  for (let at = row; at < first; at += 16) v128.store(at, zero);
  for (let at = last; at < row + (<usize>stride << 2); at += 16) v128.store(at, zero);
  return sumLanes(total);
}

/** x / sum, as x · (1 / sum). */
function divide(x: usize, length: i32, sum: f32): void {
  const inverse: f32 = 1.0 / sum;
  const inverse4 = f32x4.splat(inverse);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const at = x + (<usize>i << 2);
    v128.store(at, f32x4.mul(v128.load(at), inverse4));
  }
  for (; i < length; i++) {
    const at = x + (<usize>i << 2);
    store<f32>(at, load<f32>(at) * inverse);
  }
}
