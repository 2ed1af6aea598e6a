import type { Vocabulary } from './vocabulary.ts';

/**
 * A function from an id to the UTF-8 bytes that its token stands for; 0 for special tokens and
 * unused ids.
 *
 * - byte-level pieces spell one byte a character;
 * - the others are text in which ▁ stands for a space, or with byte fallback `<0xNN>` for one byte.
 *
 * A tokenizer that puts a space before the text has one byte more in its tokens than the text has.
 */
export function pieceBytes(vocabulary: Vocabulary, byteLevel: boolean): (id: number) => number {
  const { pieces, added, model } = vocabulary;
  const addedTokens = new Map(added.map((token) => [token.id, token]));
  const utf8 = new TextEncoder();

  return (id) => {
    const piece = pieces[id];
    if (piece === undefined) return 0;
    const token = addedTokens.get(id);
    if (token !== undefined) return token.special ? 0 : utf8.encode(piece).length;
    if (byteLevel) return [...piece].length;
    if (model.byte_fallback && /^<0x[0-9A-F]{2}>$/.test(piece)) return 1;
    return utf8.encode(piece.replaceAll('▁', ' ')).length;
  };
}
