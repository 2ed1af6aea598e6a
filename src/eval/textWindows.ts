/** Windows of texts one by one, for the conventions that measure so. */
import { DataError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { textPrefix, type BosPolicy } from './bos.ts';
import { rollingWindows, type TextWindow } from './cuts.ts';
import { checkIds } from './encodeData.ts';
import type { ConventionName } from './namedConvention.ts';
import type { TokenData } from './tokenData.ts';

/** How many chunks a text has, in order after those of the text before, and how many words. */
export interface TextSpan {
  readonly chunks: number;
  readonly words: number | null;
}

/** Windows of texts, in order. */
export interface TextWindows {
  /** What stands before each text; null = nothing. */
  readonly prefix: number | null;
  readonly windows: readonly TextWindow[];
  readonly spans: readonly TextSpan[];
  readonly whole: boolean;
  readonly notes: readonly string[];
}

interface Settings {
  readonly convention: ConventionName;
  /** Tokens of a window that the model reads. */
  readonly chunk: number;
  readonly bos: BosPolicy;
  readonly tokens: number | null;
}

/**
 * @param data with its texts tokenised each on its own; ids without texts are one.
 * @throws DataError where no text has a token to predict, an id is outside the vocabulary, words
 * are asked for of token ids, or there is no token for a text to begin with; UsageError for
 * a place of the BOS that the convention does not have.
 */
export function textWindows(
  name: string,
  data: TokenData,
  config: ModelConfig,
  tokenizer: Tokenizer | null,
  settings: Settings,
): TextWindows {
  const { convention, chunk, tokens } = settings;
  const prefix = textPrefix(name, data.kind, config, tokenizer, settings);
  if (data.words === undefined && convention === 'word') {
    throw new DataError('token ids have no words to count.', {
      where: name,
      remedy: 'Give text, or use --convention document.',
    });
  }
  const limit = tokens ?? Infinity;
  const { starts = [0], words } = data;
  const kept = data.ids.subarray(0, limit);
  const windows: TextWindow[] = [];
  const spans: TextSpan[] = [];
  let seen = 0;
  for (const [index, start] of starts.entries()) {
    const end = starts.at(index + 1) ?? data.ids.length;
    // Words are those of whole texts; for the others the last text may be cut.
    if (start >= limit || (convention === 'word' && end > limit)) break;
    seen++;
    const text = kept.subarray(start, end);
    checkIds(name, text, config.vocabSize);
    const own = rollingWindows(text, prefix, chunk);
    windows.push(...own);
    // What predicts nothing is no part of a mean.
    if (own.length > 0) spans.push({ chunks: own.length, words: words?.[index] ?? null });
  }
  if (windows.length === 0) throw nothingToPredict(name, starts.at(seen + 1) ?? data.ids.length, limit);
  const empty = seen - spans.length;
  const note = `${empty} of ${seen} texts predict nothing and were left out.`;
  const whole = data.whole && seen === starts.length && kept.length === data.ids.length;
  return { prefix, windows, spans, whole, notes: empty === 0 ? data.notes : [...data.notes, note] };
}

/** @param length tokens up to the end of the first text that was not measured. */
function nothingToPredict(name: string, length: number, limit: number): DataError {
  if (length <= limit) return new DataError('no text has a token to predict.', { where: name });
  return new DataError(
    `the first text has ${length} tokens, more than --tokens ${limit}, and words need whole texts.`,
    {
      where: name,
      remedy: 'Leave --tokens out, or give shorter texts as rows.',
    },
  );
}
