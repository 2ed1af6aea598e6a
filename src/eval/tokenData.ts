/**
 * A data file that comes in pieces, as token ids: read as far as they are needed, in memory that
 * follows them.
 */
import { DataError } from '../errors.ts';
import { encodeStream, type StreamSettings } from '../tokenizer/encodeStream.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { readIdStream } from './idStream.ts';
import { dataKind, jsonLine } from './textData.ts';
import { TextNotes } from './textNotes.ts';

/** Text in pieces of any length, in order. */
export type TextPieces = AsyncIterable<string> | Iterable<string>;

/** Ids in a row, before they are cut into chunks. */
export interface TokenData {
  kind: 'rows' | 'ids';
  ids: Int32Array;
  /** Whether the data were read to their end, or only as far as the ids asked for. */
  whole: boolean;
  /** What is peculiar about the text, a sentence each. */
  notes: readonly string[];
}

export interface ReadSettings extends StreamSettings {
  /** The text's field in a .jsonl row. */
  field: string;
  /** What stands between rows. */
  join: string;
}

/** Longest line of a .jsonl file, in characters: a row is parsed as a whole. */
const LONGEST_LINE = 1 << 28;

/**
 * Reads what `name` ends in: .txt, .jsonl or .json. The ids are those of the whole text joined and
 * tokenised at once.
 * @throws DataError as `parseData` does, and for text without a tokenizer.
 */
export async function readTokens(
  name: string,
  pieces: TextPieces,
  tokenizer: Tokenizer | null,
  settings: ReadSettings,
): Promise<TokenData> {
  const kind = dataKind(name);
  const { limit = Infinity, field, join } = settings;
  const notes = new TextNotes();
  const seen = { any: false };
  const content = visible(withoutMark(pieces, kind === 'txt' ? notes : new TextNotes()), seen);
  if (kind === 'json') return { kind: 'ids', ...(await readIdStream(name, content, limit)), notes: [] };
  if (tokenizer === null) {
    throw new DataError('text needs a tokenizer, and none was given.', {
      where: name,
      remedy: 'Give token ids as a .json array.',
    });
  }
  const rows = kind === 'txt' ? watched(content, notes) : joinedRows(name, content, { field, join }, notes);
  const { ids, whole } = await encodeStream(tokenizer, rows, settings);
  if (!seen.any) throw new DataError('the file is empty.', { where: name });
  return { kind: 'rows', ids, whole, notes: notes.sentences() };
}

/** Without the byte order marks at its start. */
async function* withoutMark(pieces: TextPieces, notes: TextNotes): AsyncGenerator<string, void> {
  let begun = false;
  for await (const piece of pieces) {
    const text: string = begun ? piece : piece.replace(/^\uFEFF+/, '');
    if (text.length < piece.length) notes.markLeftOut = true;
    begun ||= text !== '';
    yield text;
  }
}

async function* watched(pieces: TextPieces, notes: TextNotes): AsyncGenerator<string, void> {
  for await (const piece of pieces) {
    notes.watch(piece);
    yield piece;
  }
}

/** Notes whether there is anything but white space. */
async function* visible(pieces: TextPieces, seen: { any: boolean }): AsyncGenerator<string, void> {
  for await (const piece of pieces) {
    seen.any ||= piece.trim() !== '';
    yield piece;
  }
}

/** The texts of .jsonl rows, with what stands between them. */
async function* joinedRows(
  name: string,
  pieces: TextPieces,
  { field, join }: { field: string; join: string },
  notes: TextNotes,
): AsyncGenerator<string, void> {
  let number = 0;
  let rows = 0;
  for await (const line of linesOf(name, pieces)) {
    number++;
    for (const row of jsonLine(name, number, line, field)) {
      notes.watch(row);
      notes.end();
      yield rows++ === 0 ? row : join + row;
    }
  }
}

/** Lines, without their line feeds. */
async function* linesOf(name: string, pieces: TextPieces): AsyncGenerator<string, void> {
  let begun: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    const parts = piece.split('\n');
    begun.push(parts[0]);
    length += parts[0].length;
    if (length > LONGEST_LINE) throw new DataError('has a line too long to be one row.', { where: name });
    if (parts.length === 1) continue;
    yield begun.join('');
    for (const line of parts.slice(1, -1)) yield line;
    begun = [parts[parts.length - 1]];
    length = begun[0].length;
  }
  yield begun.join('');
}
