/** Texts as ids, all at once, and ids that fit a model; `readTokens` takes what comes in pieces. */
import { DataError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { RawData } from './textData.ts';
import type { TokenData } from './tokenData.ts';
import { countWords } from './words.ts';

/** The ids of all texts joined. @throws DataError for text without a tokenizer. */
export function streamOf(name: string, data: RawData, tokenizer: Tokenizer | null, join: string): readonly number[] {
  if (data.kind === 'ids') return data.ids;
  if (tokenizer === null) {
    throw new DataError('text needs a tokenizer, and none was given.', {
      where: name,
      remedy: 'Give token ids as a .json array.',
    });
  }
  return tokenizer.encode(data.rows.join(join));
}

/** Each text tokenised on its own. @throws DataError for text without a tokenizer. */
export function separately(name: string, rows: readonly string[], tokenizer: Tokenizer | null): TokenData {
  const texts = rows.map((row) => streamOf(name, { kind: 'rows', rows: [row] }, tokenizer, ''));
  let start = 0;
  return {
    kind: 'rows',
    ids: Int32Array.from(texts.flat()),
    whole: true,
    notes: [],
    starts: texts.map(({ length }) => (start += length) - length),
    words: rows.map(countWords),
  };
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
