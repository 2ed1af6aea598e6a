/**
 * How surprised each row of logits is by its target, and how the sum of that moves with the logits:
 * the loss that training lowers. Forward and backward in one, since both need the same softmax.
 *
 * Shapes: logits [rows, V], targets [rows] → nll [rows] in nats, dLogits [rows, V].
 *
 * Formula: nll = ln Σ_v e^(z_v − m) + m − z_target with m = max z; dLogits_v = weight ·
 * (softmax_v(z) − [v = target]). A row with target −1 counts nothing: 0 in both.
 *
 * Numerics: f64, one rounding. dLogits may be logits.
 *
 * Reference: Bridle 1990, Probabilistic interpretation of feedforward classification network
 * outputs, §2.
 */
import type { Floats } from './floats.ts';

export function crossEntropy(
  nll: Floats,
  dLogits: Floats,
  logits: Floats,
  targets: Int32Array,
  weight: number,
  rows: number,
  cols: number,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    const target = targets[row];
    if (target < 0) {
      nll[row] = 0;
      dLogits.fill(0, at, at + cols);
      continue;
    }
    let max = -Infinity;
    for (let i = 0; i < cols; i++) max = Math.max(max, logits[at + i]);
    let sum = 0;
    for (let i = 0; i < cols; i++) sum += Math.exp(logits[at + i] - max);
    nll[row] = Math.log(sum) + max - logits[at + target];
    for (let i = 0; i < cols; i++) {
      const share = Math.exp(logits[at + i] - max) / sum;
      dLogits[at + i] = weight * (i === target ? share - 1 : share);
    }
  }
}
