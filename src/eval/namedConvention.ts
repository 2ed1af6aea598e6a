/**
 * The conventions by which perplexities are published, by name. The same model on the same text
 * differs by factors between them, so each figure says by which it was taken.
 *
 * With x a target's NLL in nats:
 *
 * - `paper`: exp of the mean over chunks of a chunk's mean x (Zhong et al. 2025, SliceGPT, Wanda).
 * - `token-mean`: exp(Σ x / targets) over the same chunks.
 * - `llama.cpp`: windows of n tokens, one after another; only targets after position n/2 count, and
 *   where the model adds a BOS it stands in place of each window's first token.
 * - `hf-stride`: windows of n tokens every s; only the tokens no window before has scored are
 *   targets. The last window ends with the text, so it may be shorter.
 * - `document`: a text at a time, never across two, in windows as lm-eval rolls them: exp(Σ x /
 *   tokens).
 * - `word`: the same Σ x over the texts' words, split at white space, as lm-eval's
 *   `word_perplexity`.
 */
import { DataError, UsageError } from '../errors.ts';

export const conventionNames = ['paper', 'token-mean', 'llama.cpp', 'hf-stride', 'document', 'word'] as const;
export type ConventionName = (typeof conventionNames)[number];

/** Tokens a chunk has where neither an option nor the model's context says less. */
const DEFAULT_CHUNK = 2048;

/** llama.cpp's own default, `--ctx-size` of its perplexity tool. */
const LLAMA_CPP_CHUNK = 512;

/** Whether each text is measured by itself; the others take all texts as one stream. */
export function takesTextsApart(convention: ConventionName): boolean {
  return convention === 'document' || convention === 'word';
}

/** Whether a search can price removals by it: its chunks are of one length and score alike. */
export function isSearchable(convention: ConventionName): boolean {
  return convention === 'paper' || convention === 'token-mean' || convention === 'llama.cpp';
}

/**
 * @throws UsageError for a convention whose windows a search cannot hold.
 */
export function requireSearchable(convention: ConventionName): void {
  if (isSearchable(convention)) return;
  throw new UsageError(`${convention} measures windows of unequal length, and pruning compares over equal chunks.`, {
    where: '--convention',
    remedy:
      convention === 'hf-stride'
        ? 'Use token-mean with the same --stride (the same but for the last window), then measure by hf-stride.'
        : `Use paper or token-mean, then measure what is left with perplexity --convention ${convention}.`,
  });
}

/** Tokens a chunk has where no option says so. */
export function defaultChunk(convention: ConventionName, context: number): number {
  return Math.min(convention === 'llama.cpp' ? LLAMA_CPP_CHUNK : DEFAULT_CHUNK, context);
}

/** How a convention cuts a stream. */
export interface Lengths {
  /** Tokens a chunk or window. */
  readonly chunk: number;
  /** Tokens from one window's start to the next's. */
  readonly stride: number;
}

/**
 * The lengths that were asked for, or else the convention's own.
 * @param context tokens that the model can look at.
 * @throws UsageError for a stride that the convention does not have; DataError for lengths that fit
 * neither each other nor the model.
 */
export function lengthsOf(
  convention: ConventionName,
  { chunk: wantedChunk, stride: wantedStride }: { readonly chunk: number | null; readonly stride: number | null },
  context: number,
): Lengths {
  const chunk = wantedChunk ?? defaultChunk(convention, context);
  const stride = wantedStride ?? (convention === 'hf-stride' ? Math.ceil(chunk / 2) : chunk);
  if ((convention === 'llama.cpp' || takesTextsApart(convention)) && stride !== chunk) {
    throw new UsageError(`${convention} has no stride: its windows follow one another.`, {
      where: '--stride',
      remedy: 'Leave --stride out, or use --convention hf-stride.',
    });
  }
  const least = convention === 'llama.cpp' ? 3 : 2;
  if (!Number.isInteger(chunk) || chunk < least) {
    throw new DataError(`a chunk of ${chunk} tokens predicts nothing.`, { remedy: `Use --chunk ${least} or more.` });
  }
  if (chunk > context) {
    throw new DataError(`a chunk of ${chunk} tokens is longer than the model's context of ${context}.`, {
      remedy: 'Lower --chunk.',
    });
  }
  if (!Number.isInteger(stride) || stride < 1 || stride > chunk) {
    throw new DataError(`a stride of ${stride} tokens does not fit chunks of ${chunk}.`, { remedy: 'Use 1 … chunk.' });
  }
  return { chunk, stride };
}
