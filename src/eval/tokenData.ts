/**
 * Data files that come in pieces, as token ids: read as far as they are needed, in memory that
 * follows them.
 */
import { DataError } from '../errors.ts';
import { encodeStream, type StreamSettings } from '../tokenizer/encodeStream.ts';
import { IdBuffer } from '../tokenizer/idBuffer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Chat } from './chats.ts';
import { dataForm, fileName } from './dataForm.ts';
import { readIdStream } from './idStream.ts';
import { LfLineEnds, type LineEnds } from './lineEnds.ts';
import { chatWithoutTemplate, holdsTexts } from './textData.ts';
import { TextNotes } from './textNotes.ts';
import { beginsText, type TextPart, type TextReader } from './textPart.ts';
import { textReader } from './textReader.ts';
import { WordCount } from './words.ts';

/** Text in pieces of any length, in order. */
export type TextPieces = AsyncIterable<string> | Iterable<string>;

/** A data file; its content is read when it is wanted. */
export interface TextFile {
  /** Its ending says what the file holds. */
  readonly name: string;
  readonly pieces: TextPieces;
  /** The text's column in a .csv, its field in a row of JSON; default `text`. */
  readonly field?: string;
}

/** Texts that are in no file. */
export interface LooseTexts {
  readonly name: string;
  readonly parts: AsyncIterable<TextPart>;
}

/** Ids in a row, before they are cut into chunks. */
export interface TokenData {
  kind: 'rows' | 'ids';
  ids: Int32Array;
  /** Whether the data were read to their end, or only as far as the ids asked for. */
  whole: boolean;
  /** What is peculiar about the text, a sentence each. */
  notes: readonly string[];
  /** Where each text begins in the ids; only where texts were tokenised each on its own. */
  starts?: readonly number[];
  /** How many words each of these texts has, as `countWords` counts them. */
  words?: readonly number[];
}

/** Writes a chat out as one text. @throws DataError where the model has no way to. */
export type RenderChat = (chat: Chat, where: string) => Promise<string>;

export interface ReadSettings extends StreamSettings {
  /** What stands between texts, those of two files included. */
  join: string;
  /** Default `keep`. */
  newlines?: LineEnds;
  /** Tokenise each text on its own, with nothing between; default false. */
  separate?: boolean;
  /** Default: chats are refused. */
  renderChat?: RenderChat;
}

/** An opened file: its ids, or the parts of its texts. */
type Opened = { kind: 'ids'; pieces: TextPieces } | { kind: 'rows'; parts: AsyncIterable<TextPart> };

/** Some ids, whether they are all, where texts begin in them, and the words of these. */
type Ids = Pick<TokenData, 'ids' | 'whole' | 'starts' | 'words'>;

/**
 * Reads files by the endings of their names (`parseData`), one after the other. The ids are those
 * of the whole text joined and tokenised at once.
 * @param tokenizer is asked for where there is text; throws where the model has none.
 * @throws DataError as `parseData` does, and for token ids among texts.
 */
export async function readTokens(
  files: readonly (TextFile | LooseTexts)[],
  tokenizer: (name: string) => Tokenizer,
  settings: ReadSettings,
): Promise<TokenData> {
  for (const file of files) if ('pieces' in file) dataForm(file.name);
  const reading = new Reading(files, settings);
  const { limit = Infinity } = settings;
  try {
    const first = await reading.open(0);
    const found =
      first.kind === 'ids' ? await reading.ids(first, limit) : await reading.encoded(tokenizer(files[0].name), first);
    return { kind: first.kind, ...found, notes: reading.notes() };
  } finally {
    await reading.close();
  }
}

/** The files of one call, and what there is to say of them. */
class Reading {
  readonly #files: readonly (TextFile | LooseTexts)[];
  readonly #settings: ReadSettings;
  /** Of each file that was opened. */
  readonly #notes: TextNotes[] = [];
  #chats = 0;
  readonly #contents: AsyncGenerator<string, void>[] = [];

  constructor(files: readonly (TextFile | LooseTexts)[], settings: ReadSettings) {
    this.#files = files;
    this.#settings = settings;
  }

  async open(index: number): Promise<Opened> {
    const file = this.#files[index];
    const notes = new TextNotes();
    this.#notes.push(notes);
    if ('parts' in file) return { kind: 'rows', parts: file.parts };
    const { name, pieces, field = 'text' } = file;
    const { form } = dataForm(name);
    const content = nonEmpty(name, withoutMark(pieces, form === 'text' ? notes : new TextNotes()));
    this.#contents.push(content);
    const { texts, again } = form === 'json' ? await peekJson(content) : { texts: true, again: content };
    if (!texts) return { kind: 'ids', pieces: again };
    return { kind: 'rows', parts: partsOf(again, textReader(name, form, field)) };
  }

  /** Closes what was read in part. */
  async close(): Promise<void> {
    for (const content of this.#contents) await content.return();
  }

  /** The ids of all files, as many as are wanted. */
  async ids(first: Opened, limit: number): Promise<Ids> {
    const all = new IdBuffer();
    for (const [index, { name }] of this.#files.entries()) {
      const file = index === 0 ? first : await this.open(index);
      if (file.kind !== 'ids') throw this.#mixed(index);
      const { ids, whole } = await readIdStream(name, file.pieces, limit - all.length);
      if (this.#files.length === 1) return { ids, whole };
      all.push(ids);
      if (!whole || (all.length >= limit && index + 1 < this.#files.length)) {
        return { ids: all.first(limit), whole: false };
      }
    }
    return { ids: all.first(limit), whole: true };
  }

  /** The ids of all texts, as many as are wanted. */
  async encoded(tokenizer: Tokenizer, first: Opened): Promise<Ids> {
    const { separate = false, limit = Infinity } = this.#settings;
    if (!separate) return encodeStream(tokenizer, this.#joined(first), this.#settings);
    const all = new IdBuffer();
    const starts: number[] = [];
    const words: number[] = [];
    for await (const text of textsOf(this.#pieces(first))) {
      // A text that is begun is read to its end: some conventions measure whole texts.
      if (all.length >= limit) return { ids: all.first(Infinity), whole: false, starts, words };
      starts.push(all.length);
      const count = new WordCount();
      const { ids } = await encodeStream(tokenizer, count.counting(text), { ...this.#settings, limit: Infinity });
      all.push(ids);
      words.push(count.count);
    }
    return { ids: all.first(Infinity), whole: true, starts, words };
  }

  /** The texts of all files, with what stands between them. */
  async *#joined(first: Opened): AsyncGenerator<string, void> {
    let begun = false;
    for await (const { text, begins } of this.#pieces(first)) {
      yield begun && begins ? this.#settings.join + text : text;
      begun = true;
    }
  }

  /** The texts of all files: chats written out, line ends as they are wanted. */
  async *#pieces(first: Opened): AsyncGenerator<TextPiece, void> {
    const lf = this.#settings.newlines === 'lf' ? new LfLineEnds() : null;
    for (const index of this.#files.keys()) {
      const file = index === 0 ? first : await this.open(index);
      if (file.kind !== 'rows') throw this.#mixed(index);
      const notes = this.#notes[index];
      notes.asLf = lf !== null;
      for await (const part of file.parts) {
        const text = await this.#textOf(part);
        const begins = beginsText(part);
        if (begins) yield* restOf(lf);
        if (begins) notes.end();
        notes.watch(text);
        yield { text: lf === null ? text : lf.take(text), begins };
      }
      yield* restOf(lf);
    }
  }

  notes(): string[] {
    const chats = this.#chats === 1 ? '1 chat was' : `${this.#chats} chats were`;
    const written = this.#chats === 0 ? [] : [`${chats} written out by the model's chat template.`];
    if (this.#files.length === 1) return [...written, ...this.#notes[0].sentences()];
    const names = this.#files.map(({ name }) => fileName(name));
    const unread = names.slice(this.#notes.length);
    const peculiar = this.#notes.flatMap((notes, index) => notes.sentences().map((note) => `${names[index]}: ${note}`));
    return [
      `${names.length} files were ${this.#settings.separate === true ? 'read' : 'joined'} in this order: ${names.join(', ')}.`,
      ...(unread.length === 0 ? [] : [`Not read, because those before have enough tokens: ${unread.join(', ')}.`]),
      ...written,
      ...peculiar,
    ];
  }

  #textOf(part: TextPart): string | Promise<string> {
    if (!('chat' in part)) return part.text;
    const { renderChat } = this.#settings;
    if (renderChat === undefined) throw chatWithoutTemplate(part.where);
    this.#chats++;
    return renderChat(part.chat, part.where);
  }

  #mixed(index: number): DataError {
    const { name } = this.#files[index];
    return new DataError('holds token ids where the others hold text, or the other way round.', {
      where: name,
      remedy: 'Join files of one kind.',
    });
  }
}

/** A piece of a text that may be tokenised. */
interface TextPiece {
  readonly text: string;
  readonly begins: boolean;
}

/** The end of a text that had waited for what follows. */
function* restOf(lf: LfLineEnds | null): Generator<TextPiece, void> {
  const rest = lf?.end() ?? '';
  if (rest !== '') yield { text: rest, begins: false };
}

/** Each text by itself, in pieces; it must be read to its end before the next is asked for. */
async function* textsOf(pieces: AsyncGenerator<TextPiece, void>): AsyncGenerator<AsyncIterable<string>, void> {
  let next = await pieces.next();
  try {
    while (next.done !== true) {
      const first = next.value.text;
      yield (async function* text(): AsyncGenerator<string, void> {
        yield first;
        for (;;) {
          next = await pieces.next();
          if (next.done === true || next.value.begins) return;
          yield next.value.text;
        }
      })();
    }
  } finally {
    await pieces.return();
  }
}

async function* partsOf(pieces: TextPieces, reader: TextReader): AsyncGenerator<TextPart, void> {
  for await (const piece of pieces) yield* reader.take(piece);
  yield* reader.end();
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

/** @throws DataError at the end of a file that holds nothing but white space. */
async function* nonEmpty(name: string, pieces: TextPieces): AsyncGenerator<string, void> {
  let any = false;
  for await (const piece of pieces) {
    any ||= piece.trim() !== '';
    yield piece;
  }
  if (!any) throw new DataError('the file is empty.', { where: name });
}

/** Reads as far as it takes to tell texts from ids; `again` is all that was there. */
async function peekJson(pieces: AsyncGenerator<string, void>): Promise<{ texts: boolean; again: TextPieces }> {
  let start = '';
  let texts: boolean | null = null;
  while (texts === null) {
    const { done, value } = await pieces.next();
    if (done === true) break;
    start += value;
    texts = holdsTexts(start);
  }
  async function* again(): AsyncGenerator<string, void> {
    if (start !== '') yield start;
    yield* pieces;
  }
  return { texts: texts === true, again: again() };
}
