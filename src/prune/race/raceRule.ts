/**
 * When a candidate is out of a race: the statistics of `--search race`, told in
 * docs/internals/racing.md.
 *
 * The population is the calibration set's G chunks, visited in random order; what is compared is
 * what exact mode would compare, the mean over all chunks of a chunk's mean loss. c is out once
 * some b that is still in is better by
 *
 *     (Σ e)² > x² · (1 − g/G) · D · Σ (e − p·ē)² + 2 ln(1/δ) · ē² · Σ p²
 *
 * over the segments of the g chunks seen: e the segment's part of the chunk's mean difference c −
 * b, p its share of the chunk's targets, ē the mean difference, D how many times more chunks
 * scatter than independent segments would, δ the permitted error of this comparison and x² as in
 * `studentLimit`. The last term keeps a handful of segments from deciding.
 */
import { UsageError } from '../../errors.ts';
import { seededRng } from '../../tensor/rng.ts';

/** Part of a journal's settings: to be raised when looks, segments, order or rule change. */
export const RACE_RULE = 3;

export interface RaceSettings {
  /** Of picking, in one step, what exact mode would pick: 0.5 … below 1. */
  confidence: number;
  /** Of the order in which chunks are visited. */
  seed: number;
}

/** Where none is given. */
export const DEFAULT_CONFIDENCE = 0.99;

/** @throws UsageError unless 0.5 ≤ confidence < 1. */
export function checkRace({ confidence }: RaceSettings): void {
  if (confidence >= 0.5 && confidence < 1) return;
  throw new UsageError(`--confidence ${confidence} is not between 0.5 and 1.`, { remedy: 'Give one such as 0.99.' });
}

/**
 * The losses of one candidate on the chunks seen: [chunk][segment], each divided by the chunk's
 * targets.
 */
export type SegmentLosses = readonly Float64Array[];

/** Chunks in the order in which a step visits them: uniform, and drawn afresh for each step. */
export function raceOrder(chunks: number, seed: number, step: number): number[] {
  const rng = seededRng(seed).fork(`chunks of step ${step}`);
  const order = Array.from({ length: chunks }, (_, index) => index);
  for (let last = chunks - 1; last > 0; last--) {
    const other = rng.int(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/**
 * After how many chunks candidates are compared: 2 … 8, 10, 12, 14, 16, 20, 24, …, all below the
 * number of chunks; from 1 on where the design effect is known before any was seen.
 */
export function raceLooks(chunks: number, known: boolean): number[] {
  const looks = [];
  const first = known ? 1 : 2;
  for (let look = first; look < chunks; look += Math.max(1, 2 ** Math.floor(Math.log2(look) - 2))) looks.push(look);
  return looks;
}

/**
 * How the permitted error is shared out over the rivals b, by their places in the last step (0 =
 * best): half of it evenly, half by 1/(r(r+1)). A rival that was good before needs less evidence
 * to beat others; none is decided by the past alone.
 * @param places of each candidate, or null in a first step
 */
export function rivalWeights(candidates: number, places: readonly number[] | null): number[] {
  const even = 1 / candidates;
  if (places === null) return Array.from({ length: candidates }, () => even);
  const scale = (candidates + 1) / candidates;
  return places.map((place) => even / 2 + scale / (2 * (place + 1) * (place + 2)));
}

export interface Comparison {
  /** Of the candidates still in: [candidate][chunk][segment]. */
  losses: readonly SegmentLosses[];
  /** Each segment's share of its chunk's targets: [chunk][segment]. */
  shares: readonly (readonly number[])[];
  /** Each candidate's share of the permitted error, as a rival of the others. */
  weights: readonly number[];
  /** Number of chunks. */
  population: number;
  looks: number;
  confidence: number;
  /** Mean differences up to this are left to the end: a backend's own noise. */
  margin: number;
  effect: DesignEffect;
}

/** How many times more chunk means scatter than they would if segments were independent. */
export interface DesignEffect {
  /** At least 1. */
  factor: number;
  /**
   * The same beside segments' scatter within their own chunks, all that one chunk shows; Infinity
   * where that is none.
   */
  within: number;
  /** With how many degrees of freedom this is known. */
  freedom: number;
}

/**
 * What is known before two chunks are seen: with so little freedom no difference is large enough.
 */
export const nothingKnown: DesignEffect = { factor: 1, within: 1, freedom: 0.01 };

/**
 * A pair's own scatter of chunks counts as much as that of all candidates together from so many
 * chunks on.
 */
const OWN_AFTER = 4;

/** Which candidates are worse than another one beyond doubt: their indices. */
export function outOfRace(comparison: Comparison): Set<number> {
  const { losses, shares, weights, population, looks, confidence, margin, effect } = comparison;
  const out = new Set<number>();
  if (shares.length === 0 || losses.length < 2) return out;
  const seen = shares.length;
  const unseen = 1 - seen / population;
  const means = losses.map(meanOf);
  const shareSquares = sum(shares.map((chunk) => sum(chunk.map((share) => share * share))));
  const byMean = Array.from(losses.keys());
  byMean.sort((a, b) => means[a] - means[b]);
  for (const candidate of byMean) {
    for (const rival of byMean) {
      const gap = means[candidate] - means[rival];
      if (!(gap > margin)) break;
      const nats = tailNats(looks / ((1 - confidence) * weights[rival]));
      const scatter = scatterOf(losses[candidate], losses[rival], shares, gap);
      const pooled = seen === 1 ? effect.within * scatter.within : effect.factor * scatter.segments;
      const own = (OWN_AFTER * pooled + (seen - 1) * scatter.chunks) / (OWN_AFTER + seen - 1);
      const doubt = studentLimit(nats, effect.freedom) * unseen * Math.max(pooled, own);
      if ((seen * (gap - margin)) ** 2 > doubt + 2 * nats * gap ** 2 * shareSquares) {
        out.add(candidate);
        break;
      }
    }
  }
  return out;
}

/**
 * x²/2 for the x that a sum of many segments with random signs, over the root of its squares,
 * exceeds once in so many times: P(Z ≥ x) ≤ φ(x)/x. For few segments, some much larger than
 * others, it is at most min(e^(−x²/2), 3.178 · P(Z ≥ x)) (Hoeffding 1963; Pinelis 1994, with the
 * best constant by Bentkus & Dzindzalieta 2015).
 */
export function tailNats(times: number): number {
  const hoeffding = Math.log(times);
  // Newton's method on nats + ln(2 · nats)/2 = ln(times) − ln(2π)/2: concave, so that it never
  // runs below 0.
  let nats = hoeffding;
  for (let round = 0; round < 6; round++) {
    const excess = nats + (Math.log(2 * nats) + Math.log(2 * Math.PI)) / 2 - hoeffding;
    nats -= excess / (1 + 1 / (2 * nats));
  }
  return Math.min(hoeffding, nats);
}

/**
 * The x² such that a normal deviate exceeds x times its standard error, estimated with so many
 * degrees of freedom, with a probability of at most e^−nats: P(Z > x·s) ≤ E exp(−x²s²/2) = (1 +
 * x²/ν)^(−ν/2). It is 2·nats for a known error.
 */
export function studentLimit(nats: number, freedom: number): number {
  return freedom * Math.expm1((2 * nats) / freedom);
}

/**
 * The design effect over the better three quarters of the candidates together, each against their
 * mean: the worst blocks' losses run into tens of nats and would drown all others. As candidates'
 * losses go up and down together, the degrees of freedom are fewer than one a candidate and chunk
 * (Satterthwaite 1946).
 */
export function designEffect(losses: readonly SegmentLosses[], shares: readonly (readonly number[])[]): DesignEffect {
  if (shares.length < 2) return nothingKnown;
  const means = losses.map(meanOf);
  const better = Array.from(means.keys());
  better.sort((a, b) => means[a] - means[b]);
  better.length = Math.min(losses.length, Math.max(2, Math.ceil(0.75 * losses.length)));
  const common = shares.map((share, chunk) => {
    return Float64Array.from(share, (_, segment) => sum(better.map((c) => losses[c][chunk][segment])) / better.length);
  });
  const commonMean = meanOf(common);
  const ratios: number[] = [];
  const withinRatios: number[] = [];
  const directions: Float64Array[] = [];
  for (const candidate of better) {
    const own = losses[candidate];
    const mean = means[candidate] - commonMean;
    const { segments, within, chunks } = scatterOf(own, common, shares, mean);
    if (!(segments > 0)) continue;
    ratios.push(chunks / segments);
    if (within > 0) withinRatios.push(chunks / within);
    directions.push(unitDeviations(own, common, shares, mean));
  }
  if (ratios.length === 0) return nothingKnown;
  let squares = directions.length;
  for (const [index, one] of directions.entries()) {
    for (const other of directions.slice(0, index)) squares += 2 * dot(one, other) ** 2;
  }
  const independent = directions.length ** 2 / squares;
  const freedom = independent * (shares.length - 1);
  return {
    factor: atLeastOne(ratios),
    within: withinRatios.length === 0 ? Infinity : atLeastOne(withinRatios),
    freedom,
  };
}

function atLeastOne(ratios: readonly number[]): number {
  return Math.max(1, sum(ratios) / ratios.length);
}

/**
 * Estimates of the variance of the sum over chunks of the mean difference between two candidates:
 * from segments as if they were independent, and from whole chunks (0 where there is but one),
 * both of deviations from the sample's own mean difference; and from segments within their chunks,
 * of deviations from each chunk's.
 */
function scatterOf(
  own: SegmentLosses,
  theirs: SegmentLosses,
  shares: readonly (readonly number[])[],
  mean: number,
): { segments: number; within: number; chunks: number } {
  let segments = 0;
  let within = 0;
  let chunks = 0;
  for (const [chunk, share] of shares.entries()) {
    const a = own[chunk];
    const b = theirs[chunk];
    let whole = 0;
    for (let segment = 0; segment < share.length; segment++) {
      const deviation = a[segment] - b[segment] - share[segment] * mean;
      segments += deviation * deviation;
      whole += deviation;
    }
    for (let segment = 0; segment < share.length; segment++) {
      within += (a[segment] - b[segment] - share[segment] * (mean + whole)) ** 2;
    }
    chunks += whole * whole;
  }
  return { segments, within, chunks: shares.length < 2 ? 0 : (chunks * shares.length) / (shares.length - 1) };
}

/** The segments' deviations as one vector of length 1. */
function unitDeviations(
  own: SegmentLosses,
  theirs: SegmentLosses,
  shares: readonly (readonly number[])[],
  mean: number,
): Float64Array {
  const deviations = Float64Array.from(
    shares.flatMap((share, chunk) => {
      return share.map((part, segment) => own[chunk][segment] - theirs[chunk][segment] - part * mean);
    }),
  );
  const length = Math.sqrt(dot(deviations, deviations));
  return deviations.map((deviation) => deviation / length);
}

/** Mean over chunks of the sum over segments. */
function meanOf(chunks: SegmentLosses): number {
  return sum(chunks.map(sum)) / chunks.length;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
