/**
 * The token stream and its chunks. As in BlockPruner's code, texts are joined, tokenised once as
 * one stream, and cut into consecutive chunks; a tail shorter than a chunk is dropped, and the
 * counts say so.
 */
import { DataError } from '../errors.ts';
import { bosPolicy, bosToken, knownBos, placeBos, withBos, type BosPlace, type BosPolicy } from './bos.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { LineEnds } from './lineEnds.ts';
import type { RawData } from './textData.ts';
import type { TokenData } from './tokenData.ts';
import { checkSample, drawWindows, type Sample, type SampleSettings } from './windows.ts';

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
  /** CRLF and lone CR as LF, or as they stand. */
  newlines: LineEnds;
  /** Draw random windows of the tokens that are kept; null = all of them, chunk by chunk. */
  sample: SampleSettings | null;
}

export const defaultEvalSettings: EvalSettings = {
  chunk: null,
  stride: null,
  bos: 'auto',
  join: '\n\n',
  tokens: null,
  newlines: 'keep',
  sample: null,
};

/** Equal-length chunks of one stream, and which of their targets count. */
export interface Chunks {
  /** [B][T]; each has a target that counts. */
  ids: readonly Int32Array[];
  chunk: number;
  stride: number;
  bos: BosPlace;
  /** The data begin with a BOS of their own, so that none was put before it. */
  bosInData: boolean;
  join: string;
  newlines: LineEnds;
  /** How the chunks were drawn; null where they follow each other. */
  sample: Sample | null;
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

/** What settings ask of the reader of data files. */
export function readingOf(settings: EvalSettings): { limit: number; separate: boolean; newlines: LineEnds } {
  const { tokens, sample, newlines } = settings;
  // One more than asked for, since a BOS among them may be left out.
  const limit = tokens === null ? Infinity : tokens + 1;
  return { limit, separate: sample?.from === 'document', newlines };
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
  const { join, newlines, sample } = settings;
  checkSample(sample, settings.stride);
  const bos = bosPolicy(data.kind, tokenizer, settings.bos);
  const bosId = bos === 'none' ? null : bosToken(name, config, tokenizer);
  const bosInData = data.ids.length > 0 && data.ids[0] === (bosId ?? knownBos(config, tokenizer));
  const chunk = settings.chunk ?? Math.min(DEFAULT_CHUNK, config.maxPositionEmbeddings);
  const stride = settings.stride ?? chunk;
  const taken = bos === 'chunk' ? chunk - 1 : chunk;
  const step = Math.min(stride, taken);

  const texts = textsOf(data, bos, bosId, settings.tokens);
  for (const ids of texts) checkIds(name, ids, config.vocabSize);
  checkLengths(chunk, stride, config);
  const windows =
    sample === null ? consecutive(name, texts[0], taken, step, chunk) : drawWindows(name, texts, taken, sample);
  const tokens = texts.reduce((sum, ids) => sum + ids.length, 0);
  const chunks: Chunks = {
    ids: windows.map((ids) => (bos === 'chunk' && bosId !== null ? withBos(bosId, ids) : ids)),
    chunk,
    stride,
    bos,
    bosInData,
    join,
    newlines,
    sample: sample === null ? null : { ...sample, tokens, texts: texts.length },
    // As the official code: a pad id counts only if it is truthy, so id 0 is never ignored.
    ignoredId: config.padTokenId !== null && config.padTokenId > 0 ? config.padTokenId : null,
    droppedTokens: sample === null ? tokens - ((windows.length - 1) * step + taken) : 0,
    skipped: { chunks: 0, targets: 0 },
    scoredBytes: null,
    wholeText: data.whole,
    notes: data.notes,
  };
  const kept = withoutEmptyChunks(name, chunks);
  return tokenizer === null ? kept : { ...kept, scoredBytes: countScoredBytes(kept, tokenizer) };
}

/**
 * The stream, or where texts were tokenised on their own each of them, with a BOS where one
 * belongs, as far as `tokens` of the whole.
 */
function textsOf(data: TokenData, bos: BosPlace, bosId: number | null, tokens: number | null): Int32Array[] {
  const { ids, starts = [0] } = data;
  let left = tokens ?? Infinity;
  return starts.flatMap((start, index) => {
    const own = placeBos(ids.subarray(start, starts[index + 1]), bos, bosId);
    const text = own.subarray(0, left);
    left -= text.length;
    return text.length === 0 && index > 0 ? [] : [text];
  });
}

/** Chunks of `taken` tokens, `step` from one start to the next. */
function consecutive(name: string, stream: Int32Array, taken: number, step: number, chunk: number): Int32Array[] {
  if (stream.length < taken) {
    throw new DataError(`${stream.length} tokens are fewer than one chunk of ${chunk}.`, {
      where: name,
      remedy: 'Give more text, or lower --chunk.',
    });
  }
  const chunks: Int32Array[] = [];
  for (let start = 0; start + taken <= stream.length; start += step) chunks.push(stream.slice(start, start + taken));
  return chunks;
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
