/**
 * Turns each row of scores into a probability distribution.
 *
 * Shapes: x [rows, cols] → out [rows, cols]; f32 or f64.
 *
 * Formula: out_i = e^(x_i − m) / Σ_j e^(x_j − m), with m = max_j x_j. Subtracting m changes nothing
 * in exact arithmetic and keeps every exponential in (0, 1].
 *
 * Numerics: f64 accumulation, with the exponentials taken twice rather than stored rounded. out may
 * be x. A row that holds a NaN becomes NaN.
 *
 * Reference: Vaswani et al. 2017, Attention Is All You Need, §3.2.1; Blanchard, Higham & Higham
 * 2021, Accurately computing the log-sum-exp and softmax functions, §2.
 */
export function softmax<Floats extends Float32Array | Float64Array>(
  out: Floats,
  x: Floats,
  rows: number,
  cols: number,
): void {
  for (let row = 0; row < rows; row++) {
    const at = row * cols;
    let max = -Infinity;
    for (let i = 0; i < cols; i++) max = Math.max(max, x[at + i]);
    let sum = 0;
    for (let i = 0; i < cols; i++) sum += Math.exp(x[at + i] - max);
    for (let i = 0; i < cols; i++) out[at + i] = Math.exp(x[at + i] - max) / sum;
  }
}
