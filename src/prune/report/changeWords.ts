import { formatChange, formatPairedChange } from '../../drawing/numbers.ts';
import type { StepResult } from '../result.ts';

/**
 * How far a step's perplexity lies from the dense one: `+24.4 ± 0.8 %`, the error being that of the
 * change itself. Documents before 0.4 have no error. Null where there is nothing to compare.
 */
export function changeWords({ ppl, change }: Pick<StepResult, 'ppl' | 'change'>, dense: number | null): string | null {
  if (ppl === null || dense === null) return null;
  if (change === undefined || change === null) return formatChange(ppl, dense);
  return formatPairedChange(change.nats, change.natsError);
}

/** How far the second best lies above the pick: `+0.31 ± 0.12 %`; null where that is not known. */
export function marginWords({ runnerUp }: Pick<StepResult, 'runnerUp'>): string | null {
  const margin = runnerUp?.margin ?? null;
  return margin === null ? null : formatPairedChange(margin.nats, margin.natsError);
}
