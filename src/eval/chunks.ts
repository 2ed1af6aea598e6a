/**
 * The token stream and its chunks. As in BlockPruner's code, texts are joined, tokenised once as
 * one stream, and cut into consecutive chunks; a tail shorter than a chunk is dropped, and the
 * counts say so.
 */
import { DataError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { RawData } from './textData.ts';
import type { TokenData } from './tokenData.ts';

/**
 * Where a beginning-of-sequence token goes: `none`; `stream` once at the very start; `chunk` at the
 * start of every chunk (in place of its last token, so that chunks keep their length); `auto` =
 * `stream` if the tokenizer itself adds one, else `none`. Token ids from a .json never get one
 * under `auto`. Data that begin with a BOS already never get a second one before it.
 */
export type BosPolicy = 'auto' | 'none' | 'stream' | 'chunk';

/** Tokens a chunk has where neither an option nor the model's context says less. */
export const DEFAULT_CHUNK = 2048;

/** How a perplexity is taken. */
export interface EvalSettings {
  /** Tokens a chunk; null = 2048 or the model's context, whichever is shorter. */
  chunk: number | null;
  /**
   * Tokens from one chunk's start to the next's; null = chunk. With a smaller stride only the last
   * `stride` targets of a chunk count, the ones no earlier chunk has scored (all of the first
   * chunk's do).
   */
  stride: number | null;
  bos: BosPolicy;
  /** What stands between rows: BlockPruner's is a blank line. */
  join: string;
  /** Keep the first N tokens after tokenising (and after a stream's BOS); null = all. */
  tokens: number | null;
}

export const defaultEvalSettings: EvalSettings = { chunk: null, stride: null, bos: 'auto', join: '\n\n', tokens: null };

/** Equal-length chunks of one stream, and which of their targets count. */
export interface Chunks {
  /** [B][T]; each has a target that counts. */
  ids: readonly Int32Array[];
  chunk: number;
  stride: number;
  bos: 'none' | 'stream' | 'chunk';
  /** The data begin with a BOS of their own, so that none was put before it. */
  bosInData: boolean;
  join: string;
  /** Target ids that are left out of the mean, or null. */
  ignoredId: number | null;
  /** Tokens of the stream after its last chunk: a tail shorter than a chunk. */
  droppedTokens: number;
  /**
   * Chunks that were left out because all their targets have the ignored id, and how many targets
   * these are.
   */
  skipped: { chunks: number; targets: number };
  /** UTF-8 bytes that the scored targets stand for; null where no tokenizer tells. */
  scoredBytes: number | null;
  /** Whether the data were read to their end, or only as far as `tokens` asked for. */
  wholeText: boolean;
  /** What is peculiar about the text, a sentence each. */
  notes: readonly string[];
}

/**
 * Ids that `tokens` needs of the data: one more than asked for, since a BOS among them may be left
 * out.
 */
export function tokensNeeded({ tokens }: EvalSettings): number {
  return tokens === null ? Infinity : tokens + 1;
}

/**
 * Chunks of data that are there as a whole. The text is tokenised at once; `chunkTokens` takes what
 * was read in pieces.
 * @throws DataError when the stream is shorter than one chunk, an id is outside the vocabulary,
 * text comes without a tokenizer, a BOS is asked for that the tokenizer does not have, or no target
 * of the whole stream counts.
 */
export function chunkData(
  name: string,
  data: RawData,
  config: ModelConfig,
  tokenizer: Tokenizer | null,
  settings: EvalSettings,
): Chunks {
  const ids = Int32Array.from(streamOf(name, data, tokenizer, settings.join));
  return chunkTokens(name, { kind: data.kind, ids, whole: true, notes: [] }, config, tokenizer, settings);
}

/**
 * Chunks of a stream of ids.
 * @throws DataError as `chunkData` does, but for text without a tokenizer.
 */
export function chunkTokens(
  name: string,
  data: TokenData,
  config: ModelConfig,
  tokenizer: Tokenizer | null,
  settings: EvalSettings,
): Chunks {
  const bos = bosPolicy(data.kind, tokenizer, settings.bos);
  const bosId = bos === 'none' ? null : bosToken(name, config, tokenizer);
  const bosInData = data.ids.length > 0 && data.ids[0] === (bosId ?? knownBos(config, tokenizer));
  let all = data.ids;
  if (bos === 'stream' && bosId !== null && !bosInData) all = withBos(bosId, all);
  // Every chunk gets one, the first chunk too.
  if (bos === 'chunk' && bosInData) all = all.subarray(1);
  const stream = settings.tokens === null ? all : all.subarray(0, settings.tokens);
  checkIds(name, stream, config.vocabSize);

  const chunk = settings.chunk ?? Math.min(DEFAULT_CHUNK, config.maxPositionEmbeddings);
  const stride = settings.stride ?? chunk;
  checkLengths(chunk, stride, config);
  const taken = bos === 'chunk' ? chunk - 1 : chunk;
  if (stream.length < taken) {
    throw new DataError(`${stream.length} tokens are fewer than one chunk of ${chunk}.`, {
      where: name,
      remedy: 'Give more text, or lower --chunk.',
    });
  }
  const step = Math.min(stride, taken);
  const ids: Int32Array[] = [];
  for (let start = 0; start + taken <= stream.length; start += step) {
    const tokens = stream.subarray(start, start + taken);
    ids.push(bos === 'chunk' && bosId !== null ? withBos(bosId, tokens) : tokens.slice());
  }
  const chunks: Chunks = {
    ids,
    chunk,
    stride,
    bos,
    bosInData,
    join: settings.join,
    // As the official code: a pad id counts only if it is truthy, so id 0 is never ignored.
    ignoredId: config.padTokenId !== null && config.padTokenId > 0 ? config.padTokenId : null,
    droppedTokens: stream.length - ((ids.length - 1) * step + taken),
    skipped: { chunks: 0, targets: 0 },
    scoredBytes: null,
    wholeText: data.whole,
    notes: data.notes,
  };
  const kept = withoutEmptyChunks(name, chunks);
  return tokenizer === null ? kept : { ...kept, scoredBytes: countScoredBytes(kept, tokenizer) };
}

/**
 * The chunks that have a target that counts. The mean of the others' would be 0/0, and there is
 * nothing to compute for them. No other chunk's targets change: what a chunk that is left out
 * shares with the next one was ignored already.
 */
function withoutEmptyChunks(name: string, chunks: Chunks): Chunks {
  if (chunks.ignoredId === null) return chunks;
  const ids = chunks.ids.filter((chunk, index) => {
    return chunk.subarray(1).some((_, target) => isScored(chunks, index, target));
  });
  if (ids.length === 0) {
    throw new DataError(`every target is the pad id ${chunks.ignoredId}, which is not scored.`, {
      where: name,
      remedy: 'Give text with other tokens, or more of it.',
    });
  }
  const ignored = ignoredTargets(chunks) - ignoredTargets({ ...chunks, ids });
  return { ...chunks, ids, skipped: { chunks: chunks.ids.length - ids.length, targets: ignored } };
}

/**
 * Targets of the chunks that are left out because their id is the ignored one, each once however
 * far chunks overlap.
 */
export function ignoredTargets(chunks: Chunks): number {
  const ignored = (id: number, target: number, index: number): boolean =>
    id === chunks.ignoredId && isNewTarget(chunks, index, target);
  return chunks.ids.reduce((sum, ids, index) => {
    return sum + ids.subarray(1).filter((id, target) => ignored(id, target, index)).length;
  }, chunks.skipped.targets);
}

function countScoredBytes(chunks: Chunks, tokenizer: Tokenizer): number {
  let bytes = 0;
  for (const [index, ids] of chunks.ids.entries()) {
    for (let target = 0; target + 1 < ids.length; target++) {
      if (isScored(chunks, index, target)) bytes += tokenizer.byteLength(ids[target + 1]);
    }
  }
  return bytes;
}

/**
 * Whether target t (the token at t + 1) of chunk `index` counts: no target of an earlier chunk, and
 * not ignored.
 */
export function isScored(chunks: Chunks, index: number, target: number): boolean {
  return chunks.ids[index][target + 1] !== chunks.ignoredId && isNewTarget(chunks, index, target);
}

/** Whether target t of chunk `index` is a target of no earlier chunk. */
export function isNewTarget(chunks: Chunks, index: number, target: number): boolean {
  return index === 0 || target + 1 >= chunks.chunk - chunks.stride;
}

function bosPolicy(kind: RawData['kind'], tokenizer: Tokenizer | null, wanted: BosPolicy): 'none' | 'stream' | 'chunk' {
  if (wanted !== 'auto') return wanted;
  return kind === 'rows' && tokenizer?.addsBos === true ? 'stream' : 'none';
}

function bosToken(name: string, config: ModelConfig, tokenizer: Tokenizer | null): number {
  const id = knownBos(config, tokenizer);
  if (id === null) throw new DataError('the model has no BOS token.', { where: name, remedy: 'Use --bos none.' });
  return id;
}

function knownBos(config: ModelConfig, tokenizer: Tokenizer | null): number | null {
  return tokenizer?.bosTokenId ?? config.bosTokenId;
}

function withBos(bosId: number, ids: Int32Array): Int32Array {
  const all = new Int32Array(ids.length + 1);
  all[0] = bosId;
  all.set(ids, 1);
  return all;
}

function streamOf(name: string, data: RawData, tokenizer: Tokenizer | null, join: string): readonly number[] {
  if (data.kind === 'ids') return data.ids;
  if (tokenizer === null) {
    throw new DataError('text needs a tokenizer, and none was given.', {
      where: name,
      remedy: 'Give token ids as a .json array.',
    });
  }
  return tokenizer.encode(data.rows.join(join));
}

/** @throws DataError for an id outside the vocabulary. */
export function checkIds(name: string, ids: Int32Array, vocabSize: number): void {
  const at = ids.findIndex((id) => id >= vocabSize);
  if (at >= 0) {
    throw new DataError(`token id ${ids[at]} (at ${at}) is outside the model's vocabulary of ${vocabSize}.`, {
      where: name,
      remedy: "Use ids of this model's own tokenizer.",
    });
  }
}

function checkLengths(chunk: number, stride: number, config: ModelConfig): void {
  if (!Number.isInteger(chunk) || chunk < 2) {
    throw new DataError(`a chunk of ${chunk} tokens predicts nothing.`, { remedy: 'Use --chunk 2 or more.' });
  }
  if (chunk > config.maxPositionEmbeddings) {
    throw new DataError(
      `a chunk of ${chunk} tokens is longer than the model's context of ${config.maxPositionEmbeddings}.`,
      {
        remedy: 'Lower --chunk.',
      },
    );
  }
  if (!Number.isInteger(stride) || stride < 1 || stride > chunk) {
    throw new DataError(`a stride of ${stride} tokens does not fit chunks of ${chunk}.`, { remedy: 'Use 1 … chunk.' });
  }
}
