import { linear } from './linear';
import { allFinite, exponentiate, extremes } from './vector';

/**
 * The LM head fused with log-sum-exp. Logits of 48 rows × 512 ids at a time live in a scratch tile
 * (96 KiB) and are folded into each row's running maximum and sum; the [T, V] matrix never exists
 * (online softmax, Milakov & Gimelshein 2018). A row's state is three f64: maximum, Σ e^(logit −
 * maximum), logit of its target. Logits beyond f32's range are taken again in f64.
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
 * Folds ids firstId … firstId + n − 1 (panels of W [n, K]) into the state of rows rowFrom … rowTo −
 * 1 of x [R, K]. `single` 1: the sum is one running f32 in the order of ids (NllSum 'f32' of
 * src/ops/nll.ts), else lanes of a tile in f32 and tiles in f64.
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
        const to = state + <usize>(row + r) * 24;
        if (fold(to, scratch + (<usize>(r * TILE_IDS) << 2), ids, target, single)) continue;
        foldExactly(to, x + (<usize>((row + r) * k) << 2), tilePanels, tileBias, k, ids, target, single);
      }
    }
  }
}

/**
 * One row's logits into its state; `target` is the target's index here, or outside 0 … ids − 1.
 * False, and nothing done, where a logit has left f32's range.
 */
function fold(state: usize, logits: usize, ids: i32, target: i32, single: i32): bool {
  const held = target >= 0 && target < ids;
  const own: f64 = held ? <f64>load<f32>(logits + (<usize>target << 2)) : 0;
  const end = logits + (<usize>((ids + 3) & ~3) << 2);
  // One of the logits in the place of those that fill the last vector.
  for (let j = ids; j & 3; j++) store<f32>(logits + (<usize>j << 2), load<f32>(logits));
  const both = extremes(logits, end);
  if (f32x4.extract_lane(both, 0) == Infinity || f32x4.extract_lane(both, 1) == -Infinity) return false;
  for (let j = ids; j & 3; j++) store<f32>(logits + (<usize>j << 2), -Infinity);
  const before = load<f64>(state);
  const highest = max(before, <f64>f32x4.extract_lane(both, 0));
  exponentiate(logits, end, <f32>highest, 1);
  // The old sum moves to the new maximum; e^(−∞) = 0 at the first tile.
  const old = load<f64>(state, 8);
  const moved = before == highest ? old : old == 0 ? 0 : old * hostExp(before - highest);
  let total = f32x4.splat(0);
  for (let at = logits; at < end; at += 16) total = f32x4.add(total, v128.load(at));
  const tile =
    <f64>f32x4.extract_lane(total, 0) +
    <f64>f32x4.extract_lane(total, 1) +
    (<f64>f32x4.extract_lane(total, 2) + <f64>f32x4.extract_lane(total, 3));
  if (tile != tile) return false;
  store<f64>(state, highest);
  store<f64>(state, single ? <f64>addOneByOne(<f32>moved, logits, end) : moved + tile, 8);
  if (held) store<f64>(state, own, 16);
  return true;
}

/** The same with logits in f64, one after the other, as the reference does. */
function foldExactly(
  state: usize,
  x: usize,
  panels: usize,
  bias: usize,
  k: i32,
  ids: i32,
  target: i32,
  single: i32,
): void {
  if (!allFinite(x, k)) {
    store<f64>(state, NaN, 8);
    return;
  }
  let highest = load<f64>(state);
  let sum = load<f64>(state, 8);
  for (let j = 0; j < ids; j++) {
    const column = panels + <usize>(j >> 3) * (<usize>k << 5) + (<usize>(j & 7) << 2);
    let logit: f64 = bias ? <f64>load<f32>(bias + (<usize>j << 2)) : 0;
    for (let i = 0; i < k; i++) {
      logit += <f64>load<f32>(x + (<usize>i << 2)) * <f64>load<f32>(column + (<usize>i << 5));
    }
    if (j == target) store<f64>(state, logit, 16);
    // Minus infinity adds nothing, not even to itself.
    if (logit == -Infinity) continue;
    if (logit > highest) {
      sum *= hostExp(highest - logit);
      highest = logit;
    }
    sum += hostExp(logit - highest);
    if (single) sum = <f64>(<f32>sum);
  }
  store<f64>(state, highest);
  store<f64>(state, sum, 8);
}

/** sum + Σ terms, added up in f32 from the first to the last. */
function addOneByOne(sum: f32, terms: usize, end: usize): f32 {
  for (let at = terms; at < end; at += 4) sum += load<f32>(at);
  return sum;
}

@external("env", "exp")
declare function hostExp(x: f64): f64;
