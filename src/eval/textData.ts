/**
 * Calibration and evaluation data as files hold it: plain text, JSON lines with a text field, or
 * token ids.
 */
import { DataError } from '../errors.ts';
import { kindOf, rowText } from './jsonRows.ts';

/** Rows of text that are joined into one stream, or the stream of ids itself. */
export type RawData = { kind: 'rows'; rows: string[] } | { kind: 'ids'; ids: number[] };

/**
 * Reads a data file's content by its name's ending, in capitals or not: `.txt` one row of text;
 * `.jsonl` one object a line, of which `field` is the text; `.json` a flat array of token ids.
 * @throws DataError for another ending, malformed JSON, a missing field, ids that are no
 * non-negative integers, or no text at all.
 */
export function parseData(name: string, content: string, field: string): RawData {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content;
  if (text.trim() === '') throw new DataError('the file is empty.', { where: name });
  const kind = dataKind(name);
  if (kind === 'txt') return { kind: 'rows', rows: [text] };
  if (kind === 'json') return { kind: 'ids', ids: parseIds(name, text) };
  const lines = text.split('\n').entries();
  return { kind: 'rows', rows: Array.from(lines).flatMap(([index, line]) => jsonLine(name, index + 1, line, field)) };
}

/**
 * What a data file holds.
 * @throws DataError for another ending.
 */
export function dataKind(name: string): 'txt' | 'jsonl' | 'json' {
  const ending = /\.(txt|jsonl|json)$/i.exec(name)?.[1].toLowerCase();
  if (ending === 'txt' || ending === 'jsonl' || ending === 'json') return ending;
  throw new DataError('is neither .txt, .jsonl nor .json.', {
    where: name,
    remedy: 'Give text as .txt, rows as .jsonl with --field, or token ids as a .json array.',
  });
}

/** The text of one line of a .jsonl file (from 1); nothing for a blank one. */
export function jsonLine(name: string, number: number, line: string, field: string): string[] {
  if (line.trim() === '') return [];
  const where = `${name}:${number}`;
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    if (number === 1 && line.startsWith('[')) {
      throw new DataError('holds one JSON array over several lines, not an object a line.', {
        where: name,
        remedy: 'Write one object a line, or name a file of token ids .json.',
      });
    }
    const literal = /(?<![\w"])(?:NaN|-?Infinity)(?![\w"])/.exec(line)?.[0];
    throw literal === undefined
      ? new DataError('is not valid JSON.', { where, cause })
      : new DataError(`is not valid JSON: ${literal}, which Python writes, is not a JSON value.`, {
          where,
          remedy: 'Write null in its place.',
          cause,
        });
  }
  return [rowText(where, row, field)];
}

/** @throws DataError for anything but a flat array of ids, and says what it is instead. */
export function parseIds(name: string, text: string): number[] {
  let ids: unknown;
  try {
    ids = JSON.parse(text);
  } catch (cause) {
    if (isJsonLines(text)) {
      throw new DataError('holds one JSON value a line, not an array of token ids.', {
        where: name,
        remedy: 'Name the file .jsonl.',
      });
    }
    throw new DataError('is not valid JSON.', { where: name, cause });
  }
  if (!Array.isArray(ids)) {
    throw new DataError(`is ${kindOf(ids)}, not a flat array of token ids.`, {
      where: name,
      remedy: 'Write [1, 2, 3, …]; rows of text go into a .jsonl file, one object a line.',
    });
  }
  const wrong = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < 2 ** 31));
  if (wrong >= 0) throw notAnId(name, ids, wrong);
  return ids as number[];
}

function notAnId(name: string, values: readonly unknown[], wrong: number): DataError {
  const value = values[wrong];
  if (wrong === 0 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return new DataError('is an array of objects, not of token ids.', {
      where: name,
      remedy: 'Rows of text go into a .jsonl file, one object a line.',
    });
  }
  if (wrong === 0 && typeof value === 'string' && !/^\d*$/.test(value)) {
    return new DataError('is an array of texts, not of token ids.', {
      where: name,
      remedy: 'Texts go into a .jsonl file, one object a line: {"text": "…"}.',
    });
  }
  return new DataError(`entry ${wrong} is ${kindOf(value)}, not a token id.`, {
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
