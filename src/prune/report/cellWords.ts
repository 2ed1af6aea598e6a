import { formatChange, formatCount, plural } from '../../drawing/numbers.ts';
import { changeWords, marginWords } from './changeWords.ts';
import type { HeatCell } from './heatCells.ts';
import { formatPerplexity } from './perplexityWords.ts';

/**
 * All that the report knows of a candidate in a step, in one line: its tooltip, and what the page
 * shows and reads out.
 */
export function cellWords(cell: HeatCell): string {
  const { candidate, step, best } = cell;
  const { block, ppl, status, seen } = candidate;
  const where = `Step ${step.step} · ${block}`;
  if (status === 'dropped' && seen !== undefined) {
    const known = seen.againstPick !== null && seen.againstPick > 0;
    const against = known ? `, ${formatChange(seen.againstPick ?? 1, 1)} from the pick on the same` : '';
    return `${where} · dropped after ${plural(seen.chunks, 'chunk')}${against}`;
  }
  const value = `${where} · perplexity ${formatPerplexity(ppl, status)}`;
  if (ppl === null || best === null || ppl <= 0) return value;
  const words = [value, ...costWords(cell, ppl), ...rankWords(cell)];
  return `${words.join(', ')}${cell.removed ? fateWords(cell) : ''}`;
}

/** `+24.4 ± 0.8 % against dense`; the error is known for what was removed. */
function costWords({ removed, step, dense }: HeatCell, ppl: number): string[] {
  if (dense === null || dense <= 0) return [];
  const change = removed && step.repair === undefined ? changeWords(step, dense) : null;
  return [`${change ?? formatChange(ppl, dense)} against dense`];
}

function rankWords({ rank, step }: HeatCell): string[] {
  return rank === null ? [] : [`rank ${formatCount(rank)} of ${formatCount(step.candidates.length)}`];
}

function fateWords({ step }: HeatCell): string {
  const { runnerUp } = step;
  if (runnerUp === undefined || runnerUp === null) return ', removed';
  const margin = marginWords(step);
  return `, removed; runner-up ${runnerUp.block}${margin === null ? '' : ` ${margin}`}`;
}
