/**
 * What a perplexity means: printed with every figure, because the same model scores differently
 * under each.
 */
import type { NllSum } from '../ops/nll.ts';
import { ignoredTargets, type Chunks } from './chunks.ts';
import type { Sample } from './windows.ts';

/**
 * How perplexity was taken; every figure carries it (methods differ by factors of two for the same
 * model).
 */
export interface Convention {
  /** One sentence for people. */
  text: string;
  chunk: number;
  stride: number;
  bos: 'none' | 'stream' | 'chunk';
  join: string;
  /** CRLF and lone CR were read as LF; left out where line ends were kept. */
  newlines?: 'lf';
  /** How random windows were drawn; left out where chunks follow each other. */
  sample?: Sample;
  /** exp(mean over chunks of the chunk's mean NLL), BlockPruner's. */
  aggregation: 'mean of chunk means';
  /** Ids left out of the mean because they equal a truthy pad_token_id, or null where none is. */
  ignoredId: number | null;
  /**
   * How the sum over the vocabulary was kept: `f64`, or `f32` as the official code does on a CPU.
   */
  nllSum: NllSum;
}

/** What was measured over. */
export interface DataSummary {
  name: string;
  /** SHA-256 (hex) of the token ids used. */
  hash: string;
  chunks: number;
  /** Chunks left out, beside those, because all their targets are ignored. */
  skippedChunks: number;
  /** Targets that were scored. */
  scoredTokens: number;
  /** Targets left out because of `ignoredId`. */
  ignoredTokens: number;
  /** Tokens of a tail shorter than a chunk, dropped. */
  droppedTokens: number;
  /** Whether the data were read to their end, or only as far as the tokens asked for. */
  wholeText: boolean;
  /**
   * What is peculiar about the text, such as line ends that models read as text; a sentence each.
   */
  notes: readonly string[];
}

export function conventionOf(chunks: Chunks, nllSum: NllSum): Convention {
  const { chunk, stride, bos, join, newlines, sample, ignoredId } = chunks;
  const parts = [
    sample === null ? `chunks of ${chunk} tokens` : drawnWords(sample, chunk),
    ...(sample !== null
      ? []
      : [stride === chunk ? 'one after another' : `every ${stride} tokens, the last ${stride} targets of each scored`]),
    bosWords(chunks),
    sample?.from === 'document' ? 'each text tokenised on its own' : `texts joined by ${JSON.stringify(join)}`,
    ...(newlines === 'lf' ? ['line ends read as LF'] : []),
    ...(sample === null ? ['a tail shorter than a chunk dropped'] : []),
    `exp of the mean over ${sample === null ? 'chunks' : 'windows'} of the mean NLL`,
  ];
  if (ignoredId !== null) parts.push(`targets equal to the pad id ${ignoredId} ignored`);
  if (nllSum === 'f32') parts.push('the sum over the vocabulary kept in f32');
  return {
    text: parts.join(', '),
    chunk,
    stride,
    bos,
    join,
    ...(newlines === 'lf' ? { newlines } : {}),
    ...(sample === null ? {} : { sample }),
    aggregation: 'mean of chunk means',
    ignoredId,
    nllSum,
  };
}

function drawnWords({ windows, seed, from, tokens, texts }: Sample, chunk: number): string {
  const what = `${windows} windows of ${chunk} tokens drawn at random (seed ${seed})`;
  return from === 'stream' ? `${what} from ${tokens} tokens` : `${what}, each from one of ${texts} texts`;
}

/** Where a BOS stands, and whether the data brought one along. */
function bosWords({ bos, bosInData, sample }: Chunks): string {
  const stream = sample?.from === 'document' ? 'a BOS at the start of each text' : 'one BOS at the start of the stream';
  const placed = { none: 'no BOS', stream, chunk: 'a BOS at every chunk' }[bos];
  if (!bosInData) return placed;
  if (bos === 'none') return 'no BOS added (the data begin with one)';
  return `${placed} (the data begin with one, so no second one was added)`;
}

/** What was scored and what was not, in words. */
export function scoredWords(data: DataSummary): string {
  const parts = [`${data.scoredTokens} tokens scored`, `${data.droppedTokens} dropped`];
  if (data.ignoredTokens > 0) parts.push(`${data.ignoredTokens} ignored`);
  if (data.skippedChunks > 0) {
    const chunks = data.skippedChunks === 1 ? '1 chunk' : `${data.skippedChunks} chunks`;
    parts.push(`${chunks} skipped (no target that counts)`);
  }
  if (!data.wholeText) parts.push('text read as far as needed');
  return parts.join(', ');
}

/** SHA-256 (hex) of the ids of all chunks: what a summary and a journal know a text by. */
export function hashTokens({ ids }: Chunks, hasher: { update(bytes: Uint8Array): void; digest(): string }): string {
  for (const own of ids) hasher.update(new Uint8Array(own.buffer, own.byteOffset, own.byteLength));
  return hasher.digest();
}

/** @param hash as `hashTokens` gives it. */
export function summarise(name: string, chunks: Chunks, scoredTokens: number, hash: string): DataSummary {
  return {
    name,
    hash,
    chunks: chunks.ids.length,
    skippedChunks: chunks.skipped.chunks,
    scoredTokens,
    ignoredTokens: ignoredTargets(chunks),
    droppedTokens: chunks.droppedTokens,
    wholeText: chunks.wholeText,
    notes: chunks.notes,
  };
}
