/**
 * Random windows of a text, drawn as the codes of GPTQ, SparseGPT and Wanda draw their calibration
 * data. For the same ids, seed and window length they are the same windows.
 */
import { DataError, UsageError } from '../errors.ts';
import { isSearchable, type ConventionName } from './namedConvention.ts';
import { PythonRandom } from '../tensor/pythonRandom.ts';

/**
 * What a window is drawn from. `stream`: all texts joined, a start anywhere (their rule for
 * WikiText-2). `document`: a text at random, of those longer than a window, and a start in it
 * (their rule for C4); no window reaches from one text into the next.
 */
export const sampleSources = ['stream', 'document'] as const;
export type SampleSource = (typeof sampleSources)[number];

export interface SampleSettings {
  /** How many. They may overlap, and the same one may come twice. */
  readonly windows: number;
  readonly seed: number;
  readonly from: SampleSource;
}

/** How windows were drawn, as documents and conventions tell it. */
export interface Sample extends SampleSettings {
  /** Tokens that were drawn from. */
  readonly tokens: number;
  /** Texts that were drawn from: of a stream 1. */
  readonly texts: number;
}

/**
 * @throws UsageError for a stride, which random windows do not have, or a convention that takes all
 * of the text.
 */
export function checkSample(sample: SampleSettings | null, stride: number | null, convention: ConventionName): void {
  if (sample === null) return;
  if (!isSearchable(convention)) {
    throw new UsageError(`--sample does not go with --convention ${convention}, which measures all of the text.`);
  }
  if (stride === null) return;
  throw new UsageError('--stride does not go with --sample: random windows do not follow each other.');
}

/**
 * @param name of the data, for messages.
 * @param texts ids of the stream, or of each text.
 * @param length tokens of a window.
 * @throws DataError where no text is longer than a window.
 */
export function drawWindows(
  name: string,
  texts: readonly Int32Array[],
  length: number,
  { windows, seed, from }: SampleSettings,
): Int32Array[] {
  if (!texts.some((ids) => ids.length > length)) throw tooShort(name, texts, length, from);
  const random = new PythonRandom(seed);
  return Array.from({ length: windows }, () => {
    let ids = texts[0];
    if (from === 'document') {
      // Those codes draw again for a text that is too short.
      do ids = texts[random.upTo(texts.length - 1)];
      while (ids.length <= length);
    }
    // As there, the last start that would fit is never drawn.
    const start = random.upTo(ids.length - length - 1);
    return ids.slice(start, start + length);
  });
}

function tooShort(name: string, texts: readonly Int32Array[], length: number, from: SampleSource): DataError {
  if (from === 'stream') {
    return new DataError(`${texts[0].length} tokens are too few to draw windows of ${length} from.`, {
      where: name,
      remedy: 'Give more text, or lower --chunk.',
    });
  }
  const longest = texts.reduce((most, ids) => Math.max(most, ids.length), 0);
  return new DataError(`no text is longer than a window of ${length} tokens (the longest has ${longest}).`, {
    where: name,
    remedy: 'Lower --chunk, or use --sample-from stream.',
  });
}
