/**
 * Perplexity as BlockPruner's search takes it: each chunk's mean NLL over the targets that count,
 * the mean of those over chunks, exp (Zhong et al. 2025; with equal chunks and nothing ignored this
 * is the token mean). Sums are f64 and in the order of the chunks, so that they do not depend on
 * how chunks were grouped.
 */
import type { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import { isScored, type Chunks } from './chunks.ts';
import { requireFiniteLoss, requireFinitePerplexity } from './nonFinite.ts';

/** One chunk's score: Σ NLL in nats over the targets that count, and how many they are. */
export interface ChunkScore {
  nats: number;
  targets: number;
}

export interface Perplexity {
  /** exp(nll); NaN or Infinity where the model overflows or no target counts at all. */
  ppl: number;
  /** Mean over chunks of the chunk's mean NLL, in nats: what `ppl` is made of. */
  nll: number;
  /**
   * Σ NLL / targets: nats per token. The same as `nll` where all chunks score equally many targets;
   * with a stride, or where targets are ignored, they do not.
   */
  natsPerToken: number;
  /**
   * Standard error of `nll` over chunks (sample standard deviation / √chunks); null with fewer than
   * two.
   */
  standardError: number | null;
  /** Σ NLL / ln 2 / UTF-8 bytes of the scored tokens; null where no tokenizer tells the bytes. */
  bitsPerByte: number | null;
  scoredTokens: number;
}

/** Scores one chunk from the NLLs of its T − 1 targets. */
export function scoreChunk(chunks: Chunks, index: number, nll: Float32Array): ChunkScore {
  let nats = 0;
  let targets = 0;
  for (let target = 0; target < nll.length; target++) {
    if (!isScored(chunks, index, target)) continue;
    nats += nll[target];
    targets++;
  }
  return { nats, targets };
}

/** Puts chunk scores together. A chunk without a target that counts has no mean and is left out. */
export function aggregate(chunks: Chunks, scores: readonly ChunkScore[]): Perplexity {
  const means = scores.filter(({ targets }) => targets > 0).map(({ nats, targets }) => nats / targets);
  const nll = means.reduce((sum, mean) => sum + mean, 0) / means.length;
  const squares = means.reduce((sum, mean) => sum + (mean - nll) ** 2, 0);
  const totalNats = scores.reduce((sum, { nats }) => sum + nats, 0);
  const scoredTokens = scores.reduce((sum, { targets }) => sum + targets, 0);
  return {
    ppl: Math.exp(nll),
    nll,
    natsPerToken: totalNats / scoredTokens,
    standardError: means.length < 2 ? null : Math.sqrt(squares / (means.length - 1) / means.length),
    bitsPerByte: chunks.scoredBytes ? totalNats / Math.LN2 / chunks.scoredBytes : null,
    scoredTokens,
  };
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
  for (let from = 0; from < chunks.ids.length; from += groupSize) {
    const group = chunks.ids.slice(from, from + groupSize);
    const nll = await model.nll(group, mask);
    for (const [index, rows] of nll.entries()) scores.push(scoreChunk(chunks, from + index, rows));
    if (mask.size === 0) await requireFiniteLoss(model, chunks, mask, scores);
    await onGroup(scores);
  }
  const found = aggregate(chunks, scores);
  if (mask.size === 0) requireFinitePerplexity(model.source.name, found);
  return found;
}
