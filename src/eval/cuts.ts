/** How streams and texts are cut into chunks and windows, one after another: arithmetic on ids. */
import { DataError } from '../errors.ts';
import type { ConventionName } from './namedConvention.ts';

/** A window's ids, and the first of its targets that counts: target t is the token at t + 1. */
export interface TextWindow {
  readonly ids: Int32Array;
  readonly firstTarget: number;
}

/** How a stream is cut. */
interface Cut {
  readonly convention: ConventionName;
  /** Tokens of a chunk. */
  readonly chunk: number;
  /** Tokens that a chunk takes of the stream, and from one start to the next. */
  readonly taken: number;
  readonly step: number;
}

/**
 * Chunks of a stream, one after another.
 * @throws DataError for a stream shorter than one.
 */
export function consecutive(name: string, stream: Int32Array, { taken, step, chunk, convention }: Cut): Int32Array[] {
  const toTheEnd = convention === 'hf-stride';
  if (stream.length < (toTheEnd ? 2 : taken)) {
    throw new DataError(`${stream.length} tokens are fewer than one chunk of ${toTheEnd ? 2 : chunk}.`, {
      where: name,
      remedy: 'Give more text, or lower --chunk.',
    });
  }
  const windows = toTheEnd ? windowsToTheEnd(stream, taken, step) : wholeWindows(stream, taken, step);
  return windows.map((ids) => ids.slice());
}

/** Windows of one length every `step` tokens; a tail shorter than a window is left over. */
function wholeWindows(stream: Int32Array, length: number, step: number): Int32Array[] {
  const windows: Int32Array[] = [];
  for (let start = 0; start + length <= stream.length; start += step) {
    windows.push(stream.subarray(start, start + length));
  }
  return windows;
}

/**
 * Windows every `step` tokens until one reaches the end of the stream, and so may be shorter. A
 * single token that would be left for the last one predicts nothing and is left over.
 */
function windowsToTheEnd(stream: Int32Array, length: number, step: number): Int32Array[] {
  const windows = [stream.subarray(0, length)];
  for (let start = step; start + length - step < stream.length && start + 1 < stream.length; start += step) {
    windows.push(stream.subarray(start, start + length));
  }
  return windows;
}

/**
 * A text in windows, as lm-eval's rolling log-likelihood cuts it with a context of 1: each token is
 * predicted once. The model reads `length` tokens of a window at most; the last id of a window is
 * only predicted. The first window begins with the prefix; each later one with the last token of
 * the one before; the last ends with the text and looks back as far as the length allows.
 * @param prefix what stands before the text; null = nothing, so that its first token is no target.
 */
export function rollingWindows(text: Int32Array, prefix: number | null, length: number): TextWindow[] {
  const begun = prefix === null ? text : withFirst(prefix, text);
  const windows: TextWindow[] = [];
  for (let predicted = 1; predicted < begun.length;) {
    const end = Math.min(predicted + length, begun.length);
    // The first window reads from the start; a later one reads `length` tokens, none the prefix.
    const start = windows.length === 0 ? 0 : end - 1 - length;
    windows.push({ ids: begun.slice(start, end), firstTarget: predicted - start - 1 });
    predicted = end;
  }
  return windows;
}

/** Ids after one more. */
export function withFirst(id: number, ids: Int32Array): Int32Array {
  const all = new Int32Array(ids.length + 1);
  all[0] = id;
  all.set(ids, 1);
  return all;
}
