import type { Vocabulary } from './vocabulary.ts';

/**
 * SentencePiece-like tokenizers merge a whole text as if it were one word, which takes long. Where
 * no piece goes on with a ▁ after another character, no merge can cross such a place, so that the
 * text may be split there first: the tokens stay the same, and words that were seen before need no
 * merging.
 * @returns what splits a text into such words, or null where that would not be exact.
 */
export function wordSplitter({ model, pieces }: Vocabulary): ((text: string) => readonly string[]) | null {
  // A ▁ that is unknown could be fused with what is unknown before it.
  const exact = !model.ignore_merges && model.vocab.has('▁') && !pieces.some((piece) => /[^▁]▁/u.test(piece ?? ''));
  if (!exact) return null;
  return (text) => text.match(/▁*[^▁]+|▁+/gu) ?? [];
}
