/**
 * What the planted model must score, by arithmetic alone: no forward pass is run here.
 *
 * The blocks that are left add up to one number s, and the logits after byte a are lift[a] + s · unigram (recipe.ts
 * says why). A target b then costs ln Σ_v e^(lift[a][v] + s·unigram[v]) − lift[a][b] − s·unigram[b] nats.
 */
import { VOCABULARY, type Bigram } from './bigram.ts';

/** The model's context and so the default chunk. */
export const CHUNK = 256;

/** exp(mean over chunks of the chunk's mean NLL) of the first `chunks` chunks, without a BOS. */
export function perplexityAt(s: number, bigram: Bigram, text: Uint8Array, chunks: number): number {
  const { unigram, lift } = bigram;
  const normalizer = logNormalizers(s, bigram);
  let sumOfMeans = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    let nats = 0;
    for (const [a, b] of pairsOf(text, chunk)) nats += normalizer[a] - lift[a * VOCABULARY + b] - s * unigram[b];
    sumOfMeans += nats / (CHUNK - 1);
  }
  return Math.exp(sumOfMeans / chunks);
}

/** d/ds of that mean NLL: the mean of (unigram expected by the model − unigram of the target). */
export function slopeAt(s: number, bigram: Bigram, text: Uint8Array, chunks: number): number {
  const { unigram, lift } = bigram;
  const normalizer = logNormalizers(s, bigram);
  const expected = normalizer.map((log, a) => {
    let sum = 0;
    for (const [v, u] of unigram.entries()) sum += u * Math.exp(lift[a * VOCABULARY + v] + s * u - log);
    return sum;
  });
  let sum = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (const [a, b] of pairsOf(text, chunk)) sum += expected[a] - unigram[b];
  }
  return sum / (chunks * (CHUNK - 1));
}

/** ln Σ_v e^logit after each byte, [V]. */
function logNormalizers(s: number, { unigram, lift }: Bigram): Float64Array {
  return unigram.map((_, a) => {
    let sum = 0;
    for (const [v, u] of unigram.entries()) sum += Math.exp(lift[a * VOCABULARY + v] + s * u);
    return Math.log(sum);
  });
}

/** A chunk's bytes, each with the one after it. */
function* pairsOf(text: Uint8Array, chunk: number): Generator<[number, number]> {
  for (let at = chunk * CHUNK; at + 1 < (chunk + 1) * CHUNK; at++) yield [text[at], text[at + 1]];
}
