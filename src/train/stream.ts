import { DataError } from '../errors.ts';
import type { RawData } from '../eval/textData.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/**
 * The tokens of a training text as one stream, without a BOS: a window may begin anywhere.
 * @throws DataError for an id outside the vocabulary, or text without a tokenizer.
 */
export function tokenStream(
  name: string,
  data: RawData,
  join: string,
  vocabSize: number,
  tokenizer: Tokenizer | null,
): Int32Array {
  if (data.kind === 'rows' && tokenizer === null) {
    throw new DataError('text needs a tokenizer, and none was given.', {
      where: name,
      remedy: 'Give token ids as a .json array.',
    });
  }
  const ids = data.kind === 'ids' ? data.ids : (tokenizer?.encode(data.rows.join(join)) ?? []);
  const wrong = ids.find((id) => id >= vocabSize);
  if (wrong !== undefined) {
    throw new DataError(`token id ${wrong} is outside the model's vocabulary of ${vocabSize}.`, { where: name });
  }
  return Int32Array.from(ids);
}
