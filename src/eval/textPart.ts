/** What readers of data files give: texts in pieces, and chats. */
import { DataError } from '../errors.ts';
import type { Chat } from './chats.ts';

/**
 * A piece of a text; `begins` where it is the first of one. Or a chat, which a model's template has
 * to write out; `where` is its file and line.
 */
export type TextPart =
  { readonly text: string; readonly begins: boolean } | { readonly chat: Chat; readonly where: string };

/** Whether another text begins with a part. A chat is a whole text. */
export function beginsText(part: TextPart): boolean {
  return 'chat' in part || part.begins;
}

/**
 * Reads one file that comes in pieces, and holds no more than a row of it. Both calls yield as they
 * go, so that a fault is met only where somebody reads that far.
 */
export interface TextReader {
  /** @throws DataError with file and line for what is not as the form wants it. */
  take(piece: string): Iterable<TextPart>;
  /** The file has ended. @throws DataError as `take`. */
  end(): Iterable<TextPart>;
}

/** Longest row, in characters: it is parsed as a whole. */
export const LONGEST_ROW: number = 1 << 28;

/** @throws DataError for a row longer than can be held. */
export function checkRowLength(where: string, length: number): void {
  if (length <= LONGEST_ROW) return;
  throw new DataError('has a row too long to be read.', {
    where,
    remedy: 'Is a closing quote or a line end missing?',
  });
}
