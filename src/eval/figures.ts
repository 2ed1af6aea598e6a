/**
 * A perplexity's figures as documents hold them. JSON has no NaN and no infinities: such a number
 * is null, and a status says which it was.
 */
import type { PairedDifference } from './paired.ts';
import type { Perplexity } from './perplexity.ts';

export type NonFinite = 'nan' | 'infinite';

export interface PerplexityFigures {
  ppl: number | null;
  status?: NonFinite;
  /** Mean over chunks of the chunk's mean NLL, in nats: `ppl` is exp of it. */
  nll: number | null;
  /**
   * Σ NLL over all scored tokens / their number. Equals `nll` only where all chunks score equally
   * many.
   */
  natsPerToken: number | null;
  /** Standard error of `nll` over chunks; null with fewer than two chunks. */
  standardError: number | null;
  /** Null where the tokenizer, and so the byte count, is unknown. */
  bitsPerByte: number | null;
}

export function figures(perplexity: Perplexity): PerplexityFigures {
  return {
    ...finitePpl(perplexity.ppl),
    nll: finiteOrNull(perplexity.nll),
    natsPerToken: finiteOrNull(perplexity.natsPerToken),
    standardError: finiteOrNull(perplexity.standardError),
    bitsPerByte: finiteOrNull(perplexity.bitsPerByte),
  };
}

/** A perplexity alone: null with a status where it is not finite. */
export function finitePpl(ppl: number): { ppl: number | null; status?: NonFinite } {
  if (Number.isFinite(ppl)) return { ppl };
  return { ppl: null, status: Number.isNaN(ppl) ? 'nan' : 'infinite' };
}

export function finiteOrNull(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

/** A paired difference as documents hold it. Its errors are standard errors, paired over chunks. */
export interface ChangeFigures {
  /** ln(ppl / other ppl). */
  nats: number;
  /** Null with fewer than three chunks, from which no error can be told. */
  natsError: number | null;
  /** The same in per cent of the other perplexity: 5 where it is 1.05 times that. */
  percent: number | null;
  percentError: number | null;
}

/** @returns null where either perplexity is not finite. */
export function changeFigures(difference: PairedDifference | null): ChangeFigures | null {
  if (difference === null || !Number.isFinite(difference.nats)) return null;
  const { nats, standardError } = difference;
  return {
    nats,
    natsError: finiteOrNull(standardError),
    percent: finiteOrNull(100 * Math.expm1(nats)),
    percentError: finiteOrNull(standardError === null ? null : 100 * Math.exp(nats) * standardError),
  };
}
