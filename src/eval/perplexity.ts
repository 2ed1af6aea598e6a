/**
 * Perplexity as BlockPruner's search takes it: each chunk's mean NLL over the targets that count,
 * the mean of those over chunks, exp (Zhong et al. 2025; with equal chunks and nothing ignored this
 * is the token mean). Other conventions weigh otherwise (`lossTerms`). Sums are f64 and in the
 * order of the chunks, so that they do not depend on how chunks were grouped.
 */
import type { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import { isScored, type Chunks } from './chunks.ts';
import { requireFiniteLoss, requireFinitePerplexity } from './nonFinite.ts';
import { ratioEstimate, type Term } from './ratioEstimate.ts';

/** One chunk's score: Σ NLL in nats over the targets that count, and how many they are. */
export interface ChunkScore {
  nats: number;
  targets: number;
  /** Σ KL divergence from the dense model in nats, over the same; only where it was measured. */
  kl?: number;
}

export interface Perplexity {
  /** exp(nll); NaN or Infinity where the model overflows or no target counts at all. */
  ppl: number;
  /**
   * What `ppl` is exp of, in nats: by the paper's convention the mean over chunks of the chunk's
   * mean NLL.
   */
  nll: number;
  /**
   * Σ NLL / targets: nats per token. The same as `nll` where all chunks score equally many targets;
   * with a stride, or where targets are ignored, they do not.
   */
  natsPerToken: number;
  /**
   * Standard error of `nll` over chunks, or over texts where they are measured one by one; null
   * with fewer than two.
   */
  standardError: number | null;
  /** Σ NLL / ln 2 / UTF-8 bytes of the scored tokens; null where no tokenizer tells the bytes. */
  bitsPerByte: number | null;
  scoredTokens: number;
  /**
   * Mean KL divergence from the dense model in nats, chunks weighed as for `nll`; only where it was
   * measured on all of them.
   */
  kl?: number;
}

/** Scores one chunk from the NLLs of its T − 1 targets, and from their KL divergences if given. */
export function scoreChunk(chunks: Chunks, index: number, nll: Float32Array, kl?: Float32Array): ChunkScore {
  let nats = 0;
  let targets = 0;
  let divergence = 0;
  for (let target = 0; target < nll.length; target++) {
    if (!isScored(chunks, index, target)) continue;
    nats += nll[target];
    targets++;
    if (kl !== undefined) divergence += kl[target];
  }
  return kl === undefined ? { nats, targets } : { nats, targets, kl: divergence };
}

/**
 * What the mean loss is made of, by convention: chunk means that weigh alike (`paper`), sums over
 * targets, or sums of texts over their targets or words. A chunk without a target that counts has
 * no part in it.
 */
export function lossTerms(chunks: Chunks, scores: readonly ChunkScore[]): Term[] {
  const scored = ({ targets }: ChunkScore): boolean => targets > 0;
  if (chunks.convention === 'paper') {
    return scores.filter(scored).map(({ nats, targets }) => ({ value: nats / targets, weight: 1 }));
  }
  if (chunks.texts === null) {
    return scores.filter(scored).map(({ nats, targets }) => ({ value: nats, weight: targets }));
  }
  let at = 0;
  return chunks.texts.spans.map(({ chunks: count, words }) => {
    const own = sumOf(scores.slice(at, (at += count)));
    return { value: own.nats, weight: words !== null && chunks.convention === 'word' ? words : own.targets };
  });
}

/** Puts the scores of all chunks together. */
export function aggregate(chunks: Chunks, scores: readonly ChunkScore[]): Perplexity {
  const { estimate: nll, standardError } = ratioEstimate(lossTerms(chunks, scores));
  const { nats, targets } = sumOf(scores);
  return {
    ppl: Math.exp(nll),
    nll,
    natsPerToken: nats / targets,
    standardError,
    bitsPerByte: chunks.scoredBytes ? nats / Math.LN2 / chunks.scoredBytes : null,
    scoredTokens: targets,
    ...meanKl(chunks, scores),
  };
}

/** Nothing where a chunk was not measured. */
function meanKl(chunks: Chunks, scores: readonly ChunkScore[]): Pick<Perplexity, 'kl'> {
  const divergences = scores.flatMap(({ kl, targets }) => (kl === undefined ? [] : [{ nats: kl, targets }]));
  if (scores.length === 0 || divergences.length < scores.length) return {};
  return { kl: ratioEstimate(lossTerms(chunks, divergences)).estimate };
}

function sumOf(scores: readonly ChunkScore[]): ChunkScore {
  return {
    nats: scores.reduce((sum, { nats }) => sum + nats, 0),
    targets: scores.reduce((sum, { targets }) => sum + targets, 0),
  };
}

/** The first chunks, as far as they are of one length. */
function alike(ids: readonly Int32Array[]): readonly Int32Array[] {
  const other = ids.findIndex(({ length }) => length !== ids[0].length);
  return other < 0 ? ids : ids.slice(0, other);
}

/**
 * As `Transformer.nll`, but the model does not read the last token of a window, which is only
 * predicted: a window may have one token more than the model's context.
 */
async function textNll(model: Transformer, ids: readonly Int32Array[], mask: Mask): Promise<Float32Array[]> {
  const predicted = ids[0].length - 1;
  const x = await model.walk(
    ids.map((window) => window.subarray(0, predicted)),
    mask,
  );
  const targets = new Int32Array(ids.length * predicted);
  for (const [index, window] of ids.entries()) targets.set(window.subarray(1), index * predicted);
  const [rows] = await model.headNll([x], targets);
  return ids.map((_, index) => rows.subarray(index * predicted, (index + 1) * predicted));
}

/**
 * Perplexity of one mask from scratch, `groupSize` chunks at a time: the plain evaluator. It is
 * also the oracle of the search's sweep, which must agree with it bit for bit. `onGroup` gets all
 * scores so far and is awaited.
 * @throws NonFiniteError where the whole model's loss or perplexity is not finite, saying where
 * that begins. Without some blocks it may be: then the result has NaN or Infinity.
 */
export async function perplexity(
  model: Transformer,
  chunks: Chunks,
  mask: Mask,
  groupSize = 1,
  onGroup: (scores: readonly ChunkScore[]) => void | Promise<void> = () => {},
): Promise<Perplexity> {
  const scores: ChunkScore[] = [];
  for (let from = 0; from < chunks.ids.length; from = scores.length) {
    const group = alike(chunks.ids.slice(from, from + groupSize));
    const nll = chunks.texts === null ? await model.nll(group, mask) : await textNll(model, group, mask);
    for (const [index, rows] of nll.entries()) scores.push(scoreChunk(chunks, from + index, rows));
    if (mask.size === 0) await requireFiniteLoss(model, chunks, mask, scores);
    await onGroup(scores);
  }
  const found = aggregate(chunks, scores);
  if (mask.size === 0) requireFinitePerplexity(model.source.name, found);
  return found;
}
