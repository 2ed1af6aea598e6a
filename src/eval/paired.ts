/**
 * How far one perplexity lies from another on the same text. Both go up and down with how hard a
 * chunk is; their difference does not. So its error is taken from the differences chunk by chunk:
 * far smaller than those of the two figures themselves.
 */
import type { Chunks } from './chunks.ts';
import { lossTerms, type ChunkScore } from './perplexity.ts';
import { ratioEstimate } from './ratioEstimate.ts';

/** With fewer, how far differences scatter is a guess. */
const LEAST_TERMS = 3;

/** A difference of mean losses, so of log perplexities: ln(ppl / other ppl), in nats. */
export interface PairedDifference {
  readonly nats: number;
  /** Of `nats`, paired over chunks (texts where they are measured one by one); null below three. */
  readonly standardError: number | null;
}

/** Pruning that costs less, in nats, has lost nothing to state shares of. */
const NOTHING = 1e-3;

/** A share of what pruning lost. */
export interface ShareBack {
  /** 0: nothing is back, 1: as good as the dense model; below 0 it is worse than before. */
  readonly share: number;
  /** Of `share`, paired over chunks; null below three. */
  readonly standardError: number | null;
}

/**
 * How much of the mean loss that pruning added is gone again: (pruned − repaired) / (pruned −
 * dense), a ratio of sums over the same chunks.
 * @param dense and @param pruned and @param repaired [chunk], of all chunks, in order.
 * @returns null where pruning added next to nothing, or a loss is not finite.
 */
export function shareBack(
  chunks: Chunks,
  dense: readonly ChunkScore[],
  pruned: readonly ChunkScore[],
  repaired: readonly ChunkScore[],
): ShareBack | null {
  if (!(pairedDifference(chunks, pruned, dense).nats >= NOTHING)) return null;
  const [least, most] = [lossTerms(chunks, dense), lossTerms(chunks, pruned)];
  const terms = lossTerms(chunks, repaired).map(({ value }, index) => ({
    value: most[index].value - value,
    weight: most[index].value - least[index].value,
  }));
  const { estimate, standardError } = ratioEstimate(terms);
  if (!Number.isFinite(estimate)) return null;
  return { share: estimate, standardError: terms.length < LEAST_TERMS ? null : standardError };
}

/**
 * Of two models on the same chunks, by the chunks' convention.
 * @param scores and @param others [chunk], of all chunks, in order.
 */
export function pairedDifference(
  chunks: Chunks,
  scores: readonly ChunkScore[],
  others: readonly ChunkScore[],
): PairedDifference {
  const base = lossTerms(chunks, others);
  const terms = lossTerms(chunks, scores).map(({ value, weight }, index) => ({
    value: value - base[index].value,
    weight,
  }));
  const { estimate, standardError } = ratioEstimate(terms);
  return { nats: estimate, standardError: terms.length < LEAST_TERMS ? null : standardError };
}
