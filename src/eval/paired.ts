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
