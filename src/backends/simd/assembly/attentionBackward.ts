import { weigh } from './attention';
import { weighExactly } from './exactAttention';
import { multiply, multiplyCut } from './linear';
import { packRows, packTransposed, transpose } from './panels';
import { sumLanes } from './vector';

/**
 * The backward of causal grouped-query attention on whole sequences, by the tiles of `linear`. With
 * S = scale · q kᵀ and P = softmax(S), row by row:
 *
 *     dP = dy vᵀ          dS = P ∘ (dP − rowsum(dP ∘ P))
 *     dq = scale · dS k   dk = scale · dSᵀ q   dv = Pᵀ dy
 *
 * P is computed again, 48 query rows at a time against the keys they see; the rows' shares of dk
 * and dv are added up in the order of heads and rows, so that no [T, T] matrix exists.
 *
 * Units are (sequence, key/value head) pairs: all query heads that share a dk and dv belong to one
 * thread.
 */

const TILE_ROWS: i32 = 48;

/**
 * `scratch` is as large as attentionBackwardScratch of ../simdGradientScope.ts says; window 0 =
 * none.
 */
export function attentionBackward(
  dq: usize,
  dk: usize,
  dv: usize,
  dy: usize,
  q: usize,
  k: usize,
  v: usize,
  scratch: usize,
  numHeads: i32,
  numKvHeads: i32,
  headDim: i32,
  seqLen: i32,
  window: i32,
  scale: f32,
  unitFrom: i32,
  unitTo: i32,
): void {
  const queryWidth = numHeads * headDim;
  const keyWidth = numKvHeads * headDim;
  const queryStride = <usize>queryWidth << 2;
  const keyStride = <usize>keyWidth << 2;
  const group = numHeads / numKvHeads;
  const paddedKeys = (seqLen + 7) & ~7;
  const paddedDim = (headDim + 7) & ~7;
  const keyColumns = scratch;
  const valueColumns = keyColumns + (<usize>(paddedKeys * headDim) << 2);
  const keyRows = valueColumns + (<usize>(paddedKeys * headDim) << 2);
  const tilePanels = keyRows + (<usize>(paddedDim * seqLen) << 2);
  const weights = tilePanels + (<usize>(paddedDim * TILE_ROWS) << 2);
  const gradients = weights + (<usize>(TILE_ROWS * paddedKeys) << 2);
  const transposed = gradients + (<usize>(TILE_ROWS * paddedKeys) << 2);
  for (let unit = unitFrom; unit < unitTo; unit++) {
    const sequence = unit / numKvHeads;
    const keyHead = unit % numKvHeads;
    const keyAt = <usize>(sequence * seqLen * keyWidth + keyHead * headDim) << 2;
    for (let row = 0; row < seqLen; row++) {
      memory.fill(dk + keyAt + <usize>row * keyStride, 0, <usize>headDim << 2);
      memory.fill(dv + keyAt + <usize>row * keyStride, 0, <usize>headDim << 2);
    }
    packTransposed(keyColumns, k + keyAt, keyStride, seqLen, headDim);
    packTransposed(valueColumns, v + keyAt, keyStride, seqLen, headDim);
    packRows(keyRows, <usize>seqLen << 5, k + keyAt, keyStride, seqLen, headDim);
    for (let head = keyHead * group; head < (keyHead + 1) * group; head++) {
      for (let t = 0; t < seqLen; t += TILE_ROWS) {
        const rows = min(TILE_ROWS, seqLen - t);
        const first = window > 0 ? max(0, t - window + 1) & ~7 : 0;
        const count = t + rows - first;
        const stride = (count + 7) & ~7;
        const at = <usize>((sequence * seqLen + t) * queryWidth + head * headDim) << 2;
        const to = keyAt + <usize>first * keyStride;
        const columns = <usize>(first * headDim) << 2;
        const dimBytes = <usize>headDim << 5;
        multiply(weights, stride, q + at, queryWidth, keyColumns + columns, dimBytes, 0, headDim, stride, 0, rows);
        multiply(gradients, stride, dy + at, queryWidth, valueColumns + columns, dimBytes, 0, headDim, stride, 0, rows);
        for (let r = 0; r < rows; r++) {
          const row = <usize>(r * stride) << 2;
          const from = window > 0 ? max(0, t + r - window + 1) - first : 0;
          let sum = weigh(weights + row, from, t + r + 1 - first, stride, scale);
          if (sum != sum) {
            const query = q + at + (<usize>(r * queryWidth) << 2);
            const keys = k + keyAt + <usize>first * keyStride;
            sum = weighExactly(weights + row, query, keys, keyStride, headDim, from, t + r + 1 - first, stride);
          }
          differentiate(weights + row, gradients + row, stride, <f32>1.0 / sum, scale);
        }
        const keys = keyRows + (<usize>first << 5);
        multiply(dq + at, queryWidth, gradients, stride, keys, <usize>seqLen << 5, 0, count, headDim, 0, rows);
        addTransposed(dv + to, keyWidth, weights, stride, dy + at, queryStride, transposed, tilePanels, rows, count, headDim);
        addTransposed(dk + to, keyWidth, gradients, stride, q + at, queryStride, transposed, tilePanels, rows, count, headDim);
      }
    }
  }
}

/**
 * In place: weights w → P = w / sum; dP → scale · P ∘ (dP − Σ P dP). Outside the keys a row sees w
 * is 0, and so is all else.
 */
function differentiate(weights: usize, gradients: usize, stride: i32, inverse: f32, scale: f32): void {
  const end = <usize>stride << 2;
  const inverse4 = f32x4.splat(inverse);
  let total = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += 16) {
    const p = f32x4.mul(v128.load(weights + at), inverse4);
    v128.store(weights + at, p);
    total = f32x4.add(total, f32x4.mul(p, v128.load(gradients + at)));
  }
  const mean = f32x4.splat(sumLanes(total));
  const scale4 = f32x4.splat(scale);
  for (let at: usize = 0; at < end; at += 16) {
    const p = f32x4.mul(v128.load(weights + at), scale4);
    v128.store(gradients + at, f32x4.mul(p, f32x4.sub(v128.load(gradients + at), mean)));
  }
}

/** out [count, D] += Aᵀ B for a tile's A [rows, count] and B [rows, D]. */
function addTransposed(
  out: usize,
  ldo: i32,
  a: usize,
  lda: i32,
  b: usize,
  bStride: usize,
  transposed: usize,
  panels: usize,
  rows: i32,
  count: i32,
  headDim: i32,
): void {
  transpose(transposed, TILE_ROWS << 2, a, <usize>lda << 2, rows, lda);
  packRows(panels, TILE_ROWS << 5, b, bStride, rows, headDim);
  multiplyCut(out, ldo, transposed, TILE_ROWS, panels, TILE_ROWS << 5, 0, rows, headDim, count, true);
}
