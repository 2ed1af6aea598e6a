import { UsageError } from '../errors.ts';
import type { Rng } from '../tensor/rng.ts';

/**
 * How the next token is drawn. Temperature 0 is greedy: the highest logit, the lowest id among
 * equals.
 */
export interface SamplingSettings {
  temperature: number;
  /** Keep the k likeliest; 0 = all. */
  topK: number;
  /**
   * Keep the likeliest whose probabilities add up to p (nucleus sampling, Holtzman et al. 2020); 1
   * = all.
   */
  topP: number;
}

export const greedy: SamplingSettings = { temperature: 0, topK: 0, topP: 1 };

/** @throws UsageError for a setting outside its range. */
export function checkSampling(settings: SamplingSettings): void {
  const { temperature, topK, topP } = settings;
  if (!(temperature >= 0 && temperature < Infinity)) throw new UsageError(`--temperature ${temperature} is not ≥ 0.`);
  if (!(Number.isInteger(topK) && topK >= 0)) throw new UsageError(`--top-k ${topK} is not a whole number ≥ 0.`);
  if (!(topP > 0 && topP <= 1)) throw new UsageError(`--top-p ${topP} is not in (0, 1].`);
}

/** Draws an id from logits [V]. Order: temperature, top-k, top-p, as in Hugging Face's generate. */
export function sampleToken(logits: Float32Array, settings: SamplingSettings, rng: Rng): number {
  if (settings.temperature === 0) return argmax(logits);
  const ids = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
  const kept = settings.topK > 0 ? ids.slice(0, settings.topK) : ids;
  const highest = logits[kept[0]];
  const weights = kept.map((id) => Math.exp((logits[id] - highest) / settings.temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // The nucleus is the shortest run of likeliest tokens that reaches p; it always has one.
  let mass = 0;
  let count = 0;
  while (count < kept.length && (count === 0 || mass < settings.topP * total)) mass += weights[count++];
  let left = rng.uniform() * mass;
  for (let index = 0; index < count; index++) {
    left -= weights[index];
    if (left < 0) return kept[index];
  }
  return kept[count - 1];
}

/** Index of the highest value; the lowest index among equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
