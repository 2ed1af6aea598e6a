import { linear } from './linear';
import { exponentiate, highest4, maxLanes } from './vector';

/**
 * The LM head fused with log-sum-exp. Logits of 48 rows × 512 ids at a time live in a scratch tile (96 KiB) and are
 * folded into each row's running maximum and sum; the [T, V] matrix never exists (online softmax, Milakov &
 * Gimelshein 2018). A row's state is three f64: maximum, Σ e^(logit − maximum), logit of its target.
 */

/** `nllTile` needs TILE_ROWS · TILE_IDS floats of scratch. */
const TILE_ROWS: i32 = 48;
const TILE_IDS: i32 = 512;

export function nllReset(state: usize, rowFrom: i32, rowTo: i32): void {
  for (let row = rowFrom; row < rowTo; row++) {
    const at = state + <usize>row * 24;
    store<f64>(at, -Infinity);
    store<f64>(at, 0, 8);
    store<f64>(at, NaN, 16);
  }
}

/**
 * Folds ids firstId … firstId + n − 1 (panels of W [n, K]) into the state of rows rowFrom … rowTo − 1 of x [R, K].
 * `single` 1: the sum is one running f32 in the order of ids (NllSum 'f32' of src/ops/nll.ts), else lanes of a tile in f32
 * and tiles in f64.
 */
export function nllTile(
  state: usize,
  x: usize,
  panels: usize,
  bias: usize,
  targets: usize,
  scratch: usize,
  k: i32,
  n: i32,
  firstId: i32,
  single: i32,
  rowFrom: i32,
  rowTo: i32,
): void {
  for (let id = 0; id < n; id += TILE_IDS) {
    const ids = min(TILE_IDS, n - id);
    const tilePanels = panels + <usize>(id >> 3) * (<usize>k << 5);
    const tileBias = bias ? bias + (<usize>id << 2) : 0;
    for (let row = rowFrom; row < rowTo; row += TILE_ROWS) {
      const rows = min(TILE_ROWS, rowTo - row);
      linear(scratch, TILE_IDS, x + (<usize>(row * k) << 2), k, tilePanels, tileBias, k, ids, 0, rows);
      for (let r = 0; r < rows; r++) {
        const target = load<i32>(targets + (<usize>(row + r) << 2)) - firstId - id;
        fold(state + <usize>(row + r) * 24, scratch + (<usize>(r * TILE_IDS) << 2), ids, target, single);
      }
    }
  }
}

/** One row's logits into its state; `target` is the target's index here, or outside 0 … ids − 1. */
function fold(state: usize, logits: usize, ids: i32, target: i32, single: i32): void {
  if (target >= 0 && target < ids) store<f64>(state, <f64>load<f32>(logits + (<usize>target << 2)), 16);
  for (let j = ids; j & 3; j++) store<f32>(logits + (<usize>j << 2), -Infinity);
  const end = logits + (<usize>((ids + 3) & ~3) << 2);
  const before = load<f64>(state);
  const highest = max(before, <f64>maxLanes(highest4(logits, end)));
  exponentiate(logits, end, <f32>highest, 1);
  // The old sum moves to the new maximum; e^(−∞) = 0 at the first tile.
  const old = load<f64>(state, 8);
  const moved = before == highest ? old : old == 0 ? 0 : old * hostExp(before - highest);
  store<f64>(state, highest);
  if (single) {
    store<f64>(state, <f64>addOneByOne(<f32>moved, logits, end), 8);
    return;
  }
  let total = f32x4.splat(0);
  for (let at = logits; at < end; at += 16) total = f32x4.add(total, v128.load(at));
  const tile =
    <f64>f32x4.extract_lane(total, 0) +
    <f64>f32x4.extract_lane(total, 1) +
    (<f64>f32x4.extract_lane(total, 2) + <f64>f32x4.extract_lane(total, 3));
  store<f64>(state, moved + tile, 8);
}

/** sum + Σ terms, added up in f32 from the first to the last. */
function addOneByOne(sum: f32, terms: usize, end: usize): f32 {
  for (let at = terms; at < end; at += 4) sum += load<f32>(at);
  return sum;
}

@external("env", "exp")
declare function hostExp(x: f64): f64;
