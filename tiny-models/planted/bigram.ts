/**
 * What the planted model knows of its text: how often a byte occurs, and how much more often after another byte.
 *
 *   unigram[b]  = ln p(b)
 *   lift[a][b]  = ln p(b | a) − ln p(b)        so that lift[a] + unigram = ln p(· | a)
 *
 * Smoothing: all 256 bytes share one extra count; p(b | a) has PRIOR extra counts spread as p (the Dirichlet prior of
 * MacKay & Peto 1995), which leaves lift ≥ ln(PRIOR / (n(a) + PRIOR)), and lift[a] = 0 for a byte the text lacks.
 */
import { settled } from './settled.ts';

export const VOCABULARY = 256;
const PRIOR = 4;
/** Logits are multiples of 1/64: below 32, such a number is an F16 without rounding. */
const LOGIT_STEPS = 64;

export interface Bigram {
  /** The bytes that occur, ascending. */
  bytes: readonly number[];
  /** [V] */
  unigram: Float64Array;
  /** [V, V], row = current byte. */
  lift: Float64Array;
}

export function bigramOf(text: Uint8Array): Bigram {
  const count = new Float64Array(VOCABULARY);
  const followed = new Float64Array(VOCABULARY);
  const pairs = new Float64Array(VOCABULARY * VOCABULARY);
  for (const [at, byte] of text.entries()) {
    count[byte]++;
    if (at === 0) continue;
    followed[text[at - 1]]++;
    pairs[text[at - 1] * VOCABULARY + byte]++;
  }
  const probability = count.map((n) => (n + 1 / VOCABULARY) / (text.length + 1));
  const lift = pairs.map((n, pair) => {
    const [from, to] = [Math.floor(pair / VOCABULARY), pair % VOCABULARY];
    return settled(Math.log((n / probability[to] + PRIOR) / (followed[from] + PRIOR)), LOGIT_STEPS);
  });
  return {
    bytes: [...count.keys()].filter((byte) => count[byte] > 0),
    unigram: probability.map((p) => settled(Math.log(p), LOGIT_STEPS)),
    lift,
  };
}
