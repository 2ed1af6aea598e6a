/**
 * What a perplexity means: printed with every figure, because the same model scores differently
 * under each.
 */
import type { NllSum } from '../ops/nll.ts';
import type { BosPlace } from './bos.ts';
import { ignoredTargets, type Chunks } from './chunks.ts';
import type { ConventionName } from './namedConvention.ts';
import type { Sample } from './windows.ts';

/**
 * How perplexity was taken; every figure carries it (methods differ by factors of two for the same
 * model).
 */
export interface Convention {
  /** One sentence for people; it begins with the convention's name. */
  text: string;
  /** Documents before 0.4 have none and are the paper's. */
  name: ConventionName;
  chunk: number;
  stride: number;
  bos: BosPlace;
  join: string;
  /** CRLF and lone CR were read as LF; left out where line ends were kept. */
  newlines?: 'lf';
  /** How random windows were drawn; left out where chunks follow each other. */
  sample?: Sample;
  /** What perplexity is exp of; by the paper's convention the mean of chunk means. */
  aggregation: Aggregation;
  /** Ids left out of the mean because they equal a truthy pad_token_id, or null where none is. */
  ignoredId: number | null;
  /**
   * How the sum over the vocabulary was kept: `f64`, or `f32` as the official code does on a CPU.
   */
  nllSum: NllSum;
}

export type Aggregation = 'mean of chunk means' | 'mean over all targets' | 'NLL of all texts over their words';

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
  const { convention: name, chunk, stride, bos, join, newlines, sample, ignoredId } = chunks;
  const aggregation = aggregations[name];
  const parts = [`convention ${name}: ${cutWords(chunks)}`, bosWords(chunks)];
  if (chunks.texts === null) {
    parts.push(
      sample?.from === 'document' ? 'each text tokenised on its own' : `texts joined by ${JSON.stringify(join)}`,
    );
  }
  if (newlines === 'lf') parts.push('line ends read as LF');
  if (isWhole(chunks)) parts.push('a tail shorter than a chunk dropped');
  if (name === 'llama.cpp') parts.push('targets of the first half of each not scored');
  parts.push(
    name === 'paper'
      ? `exp of the mean over ${sample === null ? 'chunks' : 'windows'} of the mean NLL`
      : `exp of the ${aggregation}`,
  );
  if (ignoredId !== null) parts.push(`targets equal to the pad id ${ignoredId} ignored`);
  if (nllSum === 'f32') parts.push('the sum over the vocabulary kept in f32');
  return {
    text: parts.join(', '),
    name,
    chunk,
    stride,
    bos,
    join,
    ...(newlines === 'lf' ? { newlines } : {}),
    ...(sample === null ? {} : { sample }),
    aggregation,
    ignoredId,
    nllSum,
  };
}

const aggregations: Readonly<Record<ConventionName, Aggregation>> = {
  paper: 'mean of chunk means',
  'token-mean': 'mean over all targets',
  'llama.cpp': 'mean over all targets',
  'hf-stride': 'mean over all targets',
  document: 'mean over all targets',
  word: 'NLL of all texts over their words',
};

/** Whether all chunks are of one length, so that a tail may be left. */
function isWhole({ convention, texts, sample }: Chunks): boolean {
  return texts === null && convention !== 'hf-stride' && sample === null;
}

/** How the text was cut. */
function cutWords({ convention, chunk, stride, texts, sample }: Chunks): string {
  if (sample !== null) return drawnWords(sample, chunk);
  if (texts !== null) {
    const count = texts.spans.length === 1 ? '1 text' : `${texts.spans.length} texts, each by itself`;
    return `${count}, in windows of up to ${chunk} tokens`;
  }
  if (convention === 'hf-stride')
    return `windows of ${chunk} tokens every ${stride} to the end, only new targets scored`;
  if (stride === chunk) return `chunks of ${chunk} tokens, one after another`;
  return `chunks of ${chunk} tokens, every ${stride} tokens, the last ${stride} targets of each scored`;
}

function drawnWords({ windows, seed, from, tokens, texts }: Sample, chunk: number): string {
  const what = `${windows} windows of ${chunk} tokens drawn at random (seed ${seed})`;
  return from === 'stream' ? `${what} from ${tokens} tokens` : `${what}, each from one of ${texts} texts`;
}

/** Where a BOS stands, and whether the data brought one along. */
function bosWords({ bos, bosInData, sample }: Chunks): string {
  const placed = {
    none: 'no BOS',
    stream: sample?.from === 'document' ? 'a BOS at the start of each text' : 'one BOS at the start of the stream',
    chunk: 'a BOS at every chunk',
    replaced: 'a BOS in place of the first token of each',
    text: 'a BOS (or end-of-text token) before each text',
  }[bos];
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
