import { DataError, FormatError } from '../errors.ts';
import { shown } from './jsonFields.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * One id a character: the id is the character's place in the alphabet. For toy tasks of which every
 * symbol should be visible. It has no special tokens.
 * @param alphabet characters (code points), each once.
 * @throws FormatError for an empty alphabet or one that repeats a character. `encode` throws
 * DataError for a character outside the alphabet, with its offset in UTF-16 units.
 */
export function charTokenizer(alphabet: string, name: string): Tokenizer {
  const characters = [...alphabet];
  if (characters.length === 0) throw new FormatError('the alphabet is empty.', { where: name });
  const ids = new Map<string, number>();
  for (const [id, character] of characters.entries()) {
    if (ids.has(character)) {
      throw new FormatError(`the alphabet has ${shown(character)} twice.`, { where: name });
    }
    ids.set(character, id);
  }
  const utf8 = new TextEncoder();

  return {
    description: `characters of an alphabet of ${characters.length} (${name})`,
    vocabSize: characters.length,
    bosTokenId: null,
    eosTokenId: null,
    addsBos: false,
    encode(text) {
      const encoded: number[] = [];
      let offset = 0;
      for (const character of text) {
        const id = ids.get(character);
        if (id === undefined) {
          throw new DataError(`${shown(character)} at offset ${offset} is not in the alphabet.`, {
            where: name,
            remedy: `Use these ${characters.length} characters only: ${shown(alphabet, 80)}.`,
          });
        }
        encoded.push(id);
        offset += character.length;
      }
      return encoded;
    },
    decode: (tokens) => tokens.map((id) => characters[id] ?? '').join(''),
    cutsBetween: () => true,
    byteLength: (id) => utf8.encode(characters[id] ?? '').length,
  };
}
