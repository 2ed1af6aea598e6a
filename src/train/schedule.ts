/**
 * The learning rate over a run: a linear rise, then a fall to `minLr` (Loshchilov & Hutter 2017,
 * SGDR, eq. 5).
 */

export interface Schedule {
  readonly steps: number;
  /** The highest rate. */
  readonly lr: number;
  /** Where the fall ends. */
  readonly minLr: number;
  /** Steps of the rise; the first has lr / warmupSteps. */
  readonly warmupSteps: number;
  readonly decay: 'cosine' | 'linear' | 'constant';
}

/** The rate of step 0 … steps − 1. */
export function learningRate({ steps, lr, minLr, warmupSteps, decay }: Schedule, step: number): number {
  if (step < warmupSteps) return (lr * (step + 1)) / warmupSteps;
  if (decay === 'constant') return lr;
  const done = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  const share = decay === 'linear' ? 1 - done : fall(done);
  return minLr + (lr - minLr) * share;
}

/**
 * (1 + cos πu)/2 = cos²(πu/2) for 0 ≤ u ≤ 1, by the cosine's Taylor series to x²⁶: a language
 * standard leaves the last bits of Math.cos to the engine, and a trained model's bits would depend
 * on them.
 */
export function fall(u: number): number {
  const square = (Math.PI * u * Math.PI * u) / 4;
  let cosine = 1;
  for (let n = 26; n > 0; n -= 2) cosine = 1 - (cosine * square) / (n * (n - 1));
  return cosine * cosine;
}
