/** Calibration and evaluation data that are in memory: texts, or token ids. */
import { DataError } from '../errors.ts';
import { dataForm } from './dataForm.ts';
import { kindOf } from './jsonWords.ts';
import { textReader } from './textReader.ts';

/** Rows of text that are joined into one stream, or the stream of ids itself. */
export type RawData = { kind: 'rows'; rows: string[] } | { kind: 'ids'; ids: number[] };

const UNPACK = 'Unpack it, and give it its name without .gz.';

/**
 * Reads a data file's content by its name's ending, in capitals or not: `.txt`, `.md` and `.raw`
 * one text; `.csv` and `.tsv` a row a line under a header, `.jsonl` an object a line, of which
 * `field` is the text; `.json` an array of texts, of rows or of token ids.
 * @param field a column's name; for JSON a name or a path of names (`meta.text`).
 * @throws DataError for another ending or .gz, content that is not as the form wants it, a missing
 * field, a chat (which takes a model's template), or no text at all.
 */
export function parseData(name: string, content: string, field: string): RawData {
  const { form, gzip } = dataForm(name);
  if (gzip) throw new DataError('is packed, and its content was given as text.', { where: name, remedy: UNPACK });
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content;
  if (text.trim() === '') throw new DataError('the file is empty.', { where: name });
  if (form === 'json' && holdsTexts(text) !== true) return { kind: 'ids', ids: parseIds(name, text) };
  const reader = textReader(name, form, field);
  const rows: string[] = [];
  for (const parts of [reader.take(text), reader.end()]) {
    for (const part of parts) {
      if ('chat' in part) throw chatWithoutTemplate(part.where);
      rows.push(part.text);
    }
  }
  return { kind: 'rows', rows };
}

/** A chat that nothing writes out. */
export function chatWithoutTemplate(where: string): DataError {
  return new DataError('is a chat, and there is no chat template to write it out with.', {
    where,
    remedy: 'Write each chat as one text, or take a model that has a template.',
  });
}

/** Whether a .json array holds texts, rows or chats; null where it is too short to tell. */
export function holdsTexts(start: string): boolean | null {
  const found = /^[ \t\r\n]*(?:$|[^[]|\[[ \t\r\n]*(?:$|(.)))/su.exec(start);
  if (found === null) return false;
  const [whole, first] = found;
  if (first !== undefined) return /["{[]/.test(first);
  return whole.trim() === '' || whole.trim() === '[' ? null : false;
}

/** @throws DataError for anything but a flat array of ids, and says what it is instead. */
export function parseIds(name: string, text: string): number[] {
  let ids: unknown;
  try {
    ids = JSON.parse(text);
  } catch (cause) {
    if (isJsonLines(text)) {
      throw new DataError('holds one JSON value a line, not an array.', {
        where: name,
        remedy: 'Name the file .jsonl.',
      });
    }
    throw new DataError('is not valid JSON.', { where: name, cause });
  }
  if (!Array.isArray(ids)) {
    throw new DataError(`is ${kindOf(ids)}, not an array of texts, rows, chats or token ids.`, {
      where: name,
      remedy: 'Write ["…", "…"], [{"text": "…"}, …] or [1, 2, 3, …].',
    });
  }
  const wrong = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < 2 ** 31));
  if (wrong < 0) return ids as number[];
  throw new DataError(`entry ${wrong} is ${kindOf(ids[wrong])}, not a token id.`, {
    where: name,
    remedy: 'Token ids are whole numbers from 0 on, in one flat array.',
  });
}

/** Whether at least the first two lines are JSON values of their own. */
function isJsonLines(text: string): boolean {
  const lines = text.split('\n', 100).filter((line) => line.trim() !== '');
  return lines.length > 1 && lines.slice(0, 2).every((line) => canParse(line));
}

function canParse(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}
