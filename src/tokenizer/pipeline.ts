/** From text to ids, stage by stage, as Hugging Face's tokenizers does it. */
import { AddedTokens, type Segment } from './addedTokens.ts';
import { bpe } from './bpe.ts';
import type { Normalizer } from './normalizers.ts';
import type { Piece } from './piece.ts';
import type { PreTokenizer } from './preTokenizers.ts';
import type { Vocabulary } from './vocabulary.ts';
import { wellFormed } from './wellFormed.ts';
import { wordSplitter } from './wordBorders.ts';

export interface Pipeline {
  /** @param parseSpecial whether special tokens are looked for in the text. */
  encode(text: string, parseSpecial: boolean): number[];
  /**
   * The text of an added token as decoders get it: normalized, for tokens that are looked for in
   * that form.
   */
  readonly addedText: ReadonlyMap<number, string>;
}

/**
 * 1. Added tokens that are not `normalized` are cut out of the text.
 * 2. What lies between is normalized, each part by itself; then the other added tokens, normalized
 *   as well, are cut out.
 * 3. The pre-tokenizer splits the rest into words.
 * 4. Each word is merged.
 *
 * @throws UnsupportedModelError where two added tokens are one text once they are normalized.
 */
export function pipeline(
  vocabulary: Vocabulary,
  normalizer: Normalizer | null,
  preTokenizer: PreTokenizer | null,
  name: string,
): Pipeline {
  const normal = (piece: Piece): Piece => (normalizer === null ? piece : normalizer.apply(piece));
  const where = `${name}: added_tokens`;
  const texts = vocabulary.added.map((token) => {
    const text = token.normalized ? normal({ text: token.content, atStart: 0 }).text : token.content;
    return [text, token] as const;
  });
  const plain = new AddedTokens(
    texts.filter(([, { normalized }]) => !normalized),
    where,
  );
  const normalized = new AddedTokens(
    texts.filter(([, token]) => token.normalized),
    where,
  );
  const tokenise = bpe(vocabulary.model);
  const words = preTokenizer?.bytes === true ? null : wordSplitter(vocabulary);

  const pieceIds = (piece: Piece, ids: number[]): void => {
    for (const { text } of preTokenizer?.split([piece]) ?? [piece]) {
      for (const word of words?.(text) ?? [text]) for (const id of tokenise(word)) ids.push(id);
    }
  };
  return {
    encode(text, parseSpecial) {
      const ids: number[] = [];
      const given = wellFormed(text);
      const whole = { text: given, atStart: (given.codePointAt(0) ?? 0) > 0xffff ? 2 : 1 };
      for (const segment of plain.cut(whole, parseSpecial)) {
        const cut: Segment[] = typeof segment === 'number' ? [segment] : normalized.cut(normal(segment), parseSpecial);
        for (const part of cut) {
          if (typeof part === 'number') ids.push(part);
          else pieceIds(part, ids);
        }
      }
      return ids;
    },
    addedText: new Map(texts.map(([text, { id }]) => [id, text])),
  };
}
