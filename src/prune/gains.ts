/** What removing blocks gains: parameters and bytes of the model's file, and tokens a second. */
import { formatBlock } from '../model/blockId.ts';
import { blockTensorNames } from '../model/blockTensors.ts';
import { continueSequence } from '../model/continueSequence.ts';
import { KvCache } from '../model/kvCache.ts';
import { Mask } from '../model/mask.ts';
import { countParameters } from '../model/parameters.ts';
import type { Transformer } from '../model/transformer.ts';
import type { WeightSource } from '../model/weights.ts';
import type { Journal } from './journal.ts';
import type { Telling } from './method.ts';
import { once } from './once.ts';

export interface ModelSize {
  parameters: { dense: number; pruned: number };
  /** As the model's file stores the tensors, in its own types. */
  bytes: { dense: number; pruned: number };
}

/** How large a model is, and how large it is without a mask's blocks. Nothing is read. */
export function modelSize(source: WeightSource, mask: Mask): ModelSize {
  const { total, byBlock } = countParameters(source);
  const bytesOf = (names: Iterable<string>): number => {
    return [...names].reduce((sum, name) => sum + (source.tensors.get(name)?.bytes ?? 0), 0);
  };
  const names = mask.blocks.flatMap((block) => blockTensorNames(source.config, block));
  const removed = mask.blocks.reduce((sum, block) => sum + (byBlock.get(formatBlock(block)) ?? 0), 0);
  const bytes = bytesOf(source.tensors.keys());
  return {
    parameters: { dense: total, pruned: total - removed },
    bytes: { dense: bytes, pruned: bytes - bytesOf(names) },
  };
}

/** Tokens a second, one after another with a KV cache; the median of some rounds. */
export type DecodeSpeed = {
  /** Tokens of a round. */
  readonly tokens: number;
  readonly rounds: number;
  readonly dense: number;
  readonly pruned: number;
};

/** The same through a run's journal: once for each result. */
export function decodeSpeedOnce(
  journal: Journal,
  model: Transformer,
  text: Int32Array,
  mask: Mask,
): Telling<DecodeSpeed | null> {
  return once(journal, `decode speed without ${mask.toString()}`, () => decodeSpeed(model, text, mask));
}

const PROMPT = 8;
const TOKENS = 16;
const ROUNDS = 3;
/** No further round begins after so many milliseconds. */
const ENOUGH = 1500;

/**
 * Measures both models in turn, so that what else the machine does is shared. The dense one first.
 * @param text its first tokens are the prompt.
 * @returns null where the model's context holds no such text.
 */
export async function decodeSpeed(model: Transformer, text: Int32Array, mask: Mask): Promise<DecodeSpeed | null> {
  const prompt = text.subarray(0, PROMPT);
  const tokens = Math.min(TOKENS, model.config.maxPositionEmbeddings - prompt.length);
  if (tokens < 1) return null;
  const started = performance.now();
  const dense: number[] = [];
  const pruned: number[] = [];
  while (dense.length < ROUNDS && (dense.length === 0 || performance.now() - started < ENOUGH)) {
    dense.push(await decode(model, prompt, Mask.empty, tokens));
    pruned.push(await decode(model, prompt, mask, tokens));
  }
  return { tokens, rounds: dense.length, dense: median(dense), pruned: median(pruned) };
}

/** Tokens a second of greedy decoding; reading the prompt does not count. */
async function decode(model: Transformer, prompt: Int32Array, mask: Mask, tokens: number): Promise<number> {
  const cache = new KvCache(model.backend, model.config, mask, prompt.length + tokens);
  try {
    let next = likeliest(await continueSequence(model, prompt, mask, cache));
    const started = performance.now();
    for (let made = 0; made < tokens; made++) {
      next = likeliest(await continueSequence(model, Int32Array.of(next), mask, cache));
    }
    // A clock in a page may stand still for a moment.
    return (1000 * tokens) / Math.max(0.01, performance.now() - started);
  } finally {
    cache.free();
  }
}

/** The id of the highest logit; 0 where none is a number. */
function likeliest(logits: Float32Array): number {
  let best = 0;
  for (const [id, logit] of logits.entries()) if (logit > logits[best]) best = id;
  return best;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
