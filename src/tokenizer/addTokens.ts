/** Adds tokens to those of a tokenizer.json, by the rules of Hugging Face's library. */
import { FormatError } from '../errors.ts';
import { flagField, isRecord, isTokenId, listField, shown, textField, type JsonRecord } from './jsonFields.ts';
import type { AddedToken } from './vocabulary.ts';

/** A token whose id is not decided yet. */
export interface TokenToAdd extends Omit<AddedToken, 'id'> {
  /** The id that the file gives it. */
  readonly statedId?: number;
}

/**
 * A token as its text, or as an object with `content` and its flags. @param special where the
 * object does not say.
 */
export function tokenOf(value: unknown, special: boolean, where: string): TokenToAdd {
  const json = typeof value === 'string' ? { content: value } : value;
  if (!isRecord(json)) throw new FormatError('a token is neither text nor an object.', { where });
  const isSpecial = flagField(json, 'special', special, where);
  return {
    content: textField(json, 'content', where),
    special: isSpecial,
    normalized: flagField(json, 'normalized', !isSpecial, where),
    lstrip: flagField(json, 'lstrip', false, where),
    rstrip: flagField(json, 'rstrip', false, where),
    single_word: flagField(json, 'single_word', false, where),
  };
}

/**
 * A token that tokenizer.json adds already stays as it is there. A piece of the vocabulary keeps
 * its id; any other token gets the next free id, even where its file states another one.
 * @returns the list for `added_tokens`, and what the user should be told.
 */
export function addTokens(
  json: JsonRecord,
  tokens: readonly TokenToAdd[],
  where: string,
): { tokens: unknown[]; warnings: string[] } {
  const present = listField(json, 'added_tokens', where);
  const vocab = isRecord(json.model) && isRecord(json.model.vocab) ? json.model.vocab : {};
  const known = new Map<string, number>();
  for (const token of present) {
    if (isRecord(token) && typeof token.content === 'string' && isTokenId(token.id)) known.set(token.content, token.id);
  }
  let next = [...known.values()].reduce((most, id) => Math.max(most, id + 1), Object.keys(vocab).length);
  const added: unknown[] = [];
  const warnings: string[] = [];
  for (const { statedId, ...token } of tokens) {
    const { content } = token;
    if (content === '') continue;
    if (!known.has(content)) {
      const piece = Object.hasOwn(vocab, content) ? vocab[content] : undefined;
      const id = isTokenId(piece) ? piece : next;
      next = Math.max(next, id + 1);
      known.set(content, id);
      added.push({ id, ...token });
    }
    const id = known.get(content);
    if (statedId !== undefined && id !== statedId) {
      warnings.push(
        `${where}: token ${shown(content)} is said to have id ${statedId}; it has ${id} here, as in transformers.`,
      );
    }
  }
  return { tokens: [...present, ...added], warnings };
}
