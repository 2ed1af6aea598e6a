/**
 * A mean over chunks that may weigh differently, and how far it would move with other chunks.
 *
 * The estimate is Σ value / Σ weight. Its standard error is that of the ratio estimator (Cochran,
 * Sampling Techniques, 1977, ch. 6): √(n / (n − 1) · Σ (value − estimate · weight)²) / Σ weight.
 * With equal weights that is the sample standard deviation / √n.
 */
export interface Term {
  readonly value: number;
  readonly weight: number;
}

export interface Estimate {
  /** NaN without a term. */
  readonly estimate: number;
  /** Null with fewer than two terms. */
  readonly standardError: number | null;
}

export function ratioEstimate(terms: readonly Term[]): Estimate {
  const n = terms.length;
  const weight = terms.reduce((sum, term) => sum + term.weight, 0);
  const estimate = terms.reduce((sum, { value }) => sum + value, 0) / weight;
  if (n < 2) return { estimate, standardError: null };
  const squares = terms.reduce((sum, term) => sum + (term.value - estimate * term.weight) ** 2, 0);
  return { estimate, standardError: Math.sqrt(squares / (n - 1) / n) / (weight / n) };
}
