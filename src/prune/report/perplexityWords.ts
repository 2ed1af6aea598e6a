import { formatSignificant } from '../../drawing/numbers.ts';
import type { NonFinite } from '../../eval/figures.ts';

/** A perplexity in a table: two decimals while that makes sense; without one, the reason. */
export function formatPerplexity(ppl: number | null, status?: NonFinite | 'dropped'): string {
  if (ppl === null) return status === 'infinite' ? 'infinite' : status === 'dropped' ? 'dropped' : 'not a number';
  return ppl >= 0.1 && ppl < 1000 ? ppl.toFixed(2) : formatSignificant(ppl, 4);
}
