import type { JsonRecord } from './jsonFields.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * SentencePiece-like tokenizers merge a whole text as if it were one word, which takes long. Where no piece goes on
 * with a ▁ after another character, no merge can cross such a place, so that the text may be split there first: the
 * tokens stay the same and known words come from the library's cache.
 * @returns the pre-tokenizer with this split added, or the same one where that would not be exact.
 */
export function splitAtWords(preTokenizer: JsonRecord | null, vocabulary: Vocabulary): JsonRecord | null {
  const exact =
    vocabulary.model.ignore_merges === false && !vocabulary.pieces.some((piece) => /[^▁]▁/u.test(piece ?? ''));
  if (!exact) return preTokenizer;
  const split = { type: 'Split', pattern: { Regex: '▁*[^▁]+|▁+' }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: preTokenizer === null ? [split] : [preTokenizer, split] };
}
