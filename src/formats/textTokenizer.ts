import { DataError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { OpenedModel } from './modelFiles.ts';

/**
 * The model's tokenizer, for who has text.
 * @param where the text comes from, for messages.
 * @throws DataError with the reason why there is none, or why the one there is cannot be used.
 */
export function textTokenizer(
  { tokenizer, tokenizerNote }: Pick<OpenedModel, 'tokenizer' | 'tokenizerNote'>,
  where: string,
): Tokenizer {
  if (tokenizer !== null) return tokenizer;
  throw new DataError(`text cannot be turned into tokens: ${tokenizerNote ?? 'the model has no tokenizer.'}`, {
    where,
  });
}
