/**
 * The token stream and its chunks. As in BlockPruner's code, texts are joined, tokenised once as
 * one stream, and cut into consecutive chunks; a tail shorter than a chunk is dropped, and the
 * counts say so. Other conventions cut and count otherwise (namedConvention.ts).
 */
import { DataError } from '../errors.ts';
import { bosPolicy, bosToken, knownBos, placeBos, type BosPlace, type BosPolicy } from './bos.ts';
import { consecutive, withFirst } from './cuts.ts';
import { checkIds, separately, streamOf } from './encodeData.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { LineEnds } from './lineEnds.ts';
import { lengthsOf, takesTextsApart, type ConventionName } from './namedConvention.ts';
import type { RawData } from './textData.ts';
import { textWindows, type TextSpan } from './textWindows.ts';
import type { TokenData } from './tokenData.ts';
import { checkSample, drawWindows, type Sample, type SampleSettings } from './windows.ts';

/** How a perplexity is taken. */
export interface EvalSettings {
  /** How chunks are cut, which targets count, and how their losses become one figure. */
  convention: ConventionName;
  /**
   * Tokens a chunk; null = 2048, 512 by llama.cpp's convention, or the model's context where that
   * is shorter.
   */
  chunk: number | null;
  /**
   * Tokens from one chunk's start to the next's; null = chunk, or half of it for `hf-stride`. With
   * a smaller stride only the last `stride` targets of a chunk count, the ones no earlier chunk has
   * scored (all of the first chunk's do).
   */
  stride: number | null;
  bos: BosPolicy;
  /** What stands between rows: BlockPruner's is a blank line. */
  join: string;
  /**
   * Keep the first N tokens after tokenising (and after a stream's BOS); null = all. Where words
   * are counted, the texts that fit into N as a whole.
   */
  tokens: number | null;
  /** CRLF and lone CR as LF, or as they stand. */
  newlines: LineEnds;
  /** Draw random windows of the tokens that are kept; null = all of them, chunk by chunk. */
  sample: SampleSettings | null;
}

export const defaultEvalSettings: EvalSettings = {
  convention: 'paper',
  chunk: null,
  stride: null,
  bos: 'auto',
  join: '\n\n',
  tokens: null,
  newlines: 'keep',
  sample: null,
};

/** Chunks of one stream, or of texts one by one, and which of their targets count. */
export interface Chunks {
  convention: ConventionName;
  /**
   * [B][T]; each has a target that counts. All of length `chunk` where a search can use them; the
   * last one of `hf-stride` and those of texts may be shorter.
   */
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
  /** Where texts are measured one by one: which chunks are whose; else null. */
  texts: { readonly spans: readonly TextSpan[]; readonly firstTargets: readonly number[] } | null;
}

/** What settings ask of the reader of data files. */
export function readingOf(settings: EvalSettings): { limit: number; separate: boolean; newlines: LineEnds } {
  const { convention, tokens, sample, newlines } = settings;
  // One more than asked for, since a BOS among them may be left out.
  const limit = tokens === null ? Infinity : tokens + 1;
  return { limit, separate: takesTextsApart(convention) || sample?.from === 'document', newlines };
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
  if (takesTextsApart(settings.convention) && data.kind === 'rows') {
    return chunkTokens(name, separately(name, data.rows, tokenizer), config, tokenizer, settings);
  }
  const ids = Int32Array.from(streamOf(name, data, tokenizer, settings.join));
  return chunkTokens(name, { kind: data.kind, ids, whole: true, notes: [] }, config, tokenizer, settings);
}

/**
 * Chunks of a stream of ids, or of the texts in it where the convention measures them one by one.
 * @throws DataError as `chunkData` does, but for text without a tokenizer.
 */
export function chunkTokens(
  name: string,
  data: TokenData,
  config: ModelConfig,
  tokenizer: Tokenizer | null,
  settings: EvalSettings,
): Chunks {
  const { convention, join, newlines, sample } = settings;
  checkSample(sample, settings.stride, convention);
  if (takesTextsApart(convention)) return textChunks(name, data, config, tokenizer, settings);
  const { chunk, stride } = lengthsOf(convention, settings, config.maxPositionEmbeddings);
  const bos = bosPolicy(data.kind, tokenizer, settings);
  const bosId = bos === 'none' ? null : bosToken(name, config, tokenizer);
  const bosInData = data.ids.length > 0 && data.ids[0] === (bosId ?? knownBos(config, tokenizer));
  const taken = bos === 'chunk' ? chunk - 1 : chunk;
  const step = Math.min(stride, taken);

  const texts = textsOf(data, bos, bosId, settings.tokens);
  for (const ids of texts) checkIds(name, ids, config.vocabSize);
  const windows =
    sample === null
      ? consecutive(name, texts[0], { taken, step, chunk, convention })
      : drawWindows(name, texts, taken, sample);
  const last = (windows.length - 1) * step + windows[windows.length - 1].length;
  const tokens = texts.reduce((sum, ids) => sum + ids.length, 0);
  const chunks: Chunks = {
    convention,
    ids: windows.map((ids) => headed(ids, bos, bosId)),
    chunk,
    stride,
    bos,
    bosInData,
    join,
    newlines,
    sample: sample === null ? null : { ...sample, tokens, texts: texts.length },
    // As the official code: a pad id counts only if it is truthy, so id 0 is never ignored.
    ignoredId: convention === 'paper' && config.padTokenId !== null && config.padTokenId > 0 ? config.padTokenId : null,
    droppedTokens: sample === null ? tokens - last : 0,
    skipped: { chunks: 0, targets: 0 },
    scoredBytes: null,
    wholeText: data.whole,
    notes: data.notes,
    texts: null,
  };
  return withBytes(withoutEmptyChunks(name, chunks), tokenizer);
}

/** A chunk's ids with the BOS that stands at its head. */
function headed(ids: Int32Array, bos: BosPlace, bosId: number | null): Int32Array {
  if (bos === 'chunk' && bosId !== null) return withFirst(bosId, ids);
  if (bos === 'replaced' && bosId !== null) ids[0] = bosId;
  return ids;
}

/**
 * Windows of texts one by one.
 * @throws DataError where no text has a token to predict, an id is outside the vocabulary, words
 * are asked for of token ids, or there is no token for a text to begin with; UsageError for
 * settings that the convention does not have.
 */
function textChunks(
  name: string,
  data: TokenData,
  config: ModelConfig,
  tokenizer: Tokenizer | null,
  settings: EvalSettings,
): Chunks {
  const { convention, join, newlines } = settings;
  const { chunk } = lengthsOf(convention, settings, config.maxPositionEmbeddings);
  const { prefix, windows, spans, whole, notes } = textWindows(name, data, config, tokenizer, { ...settings, chunk });
  const chunks: Chunks = {
    convention,
    ids: windows.map((window) => window.ids),
    chunk,
    stride: chunk,
    bos: prefix === null ? 'none' : 'text',
    bosInData: false,
    join,
    newlines,
    sample: null,
    ignoredId: null,
    droppedTokens: 0,
    skipped: { chunks: 0, targets: 0 },
    scoredBytes: null,
    wholeText: whole,
    notes,
    texts: { spans, firstTargets: windows.map(({ firstTarget }) => firstTarget) },
  };
  return withBytes(chunks, tokenizer);
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
    id === chunks.ignoredId && isOwnTarget(chunks, index, target);
  return chunks.ids.reduce((sum, ids, index) => {
    return sum + ids.subarray(1).filter((id, target) => ignored(id, target, index)).length;
  }, chunks.skipped.targets);
}

/** With the bytes of what is scored. */
function withBytes(chunks: Chunks, tokenizer: Tokenizer | null): Chunks {
  if (tokenizer === null) return chunks;
  let bytes = 0;
  for (const [index, ids] of chunks.ids.entries()) {
    for (let target = 0; target + 1 < ids.length; target++) {
      if (isScored(chunks, index, target)) bytes += tokenizer.byteLength(ids[target + 1]);
    }
  }
  return { ...chunks, scoredBytes: bytes };
}

/**
 * Whether target t (the token at t + 1) of chunk `index` counts: no target of an earlier chunk, not
 * in the first half of a window of llama.cpp's, and not ignored.
 */
export function isScored(chunks: Chunks, index: number, target: number): boolean {
  return chunks.ids[index][target + 1] !== chunks.ignoredId && isOwnTarget(chunks, index, target);
}

/** Whether target t of chunk `index` is one that this chunk is to score. */
function isOwnTarget(chunks: Chunks, index: number, target: number): boolean {
  if (chunks.texts !== null) return target >= chunks.texts.firstTargets[index];
  if (chunks.convention === 'llama.cpp') return target >= Math.floor(chunks.chunk / 2);
  return index === 0 || target + 1 >= chunks.chunk - chunks.stride;
}
