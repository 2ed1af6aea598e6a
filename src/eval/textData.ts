/** Calibration and evaluation data as files hold it: plain text, JSON lines with a text field, or token ids. */
import { DataError } from '../errors.ts';

/** Rows of text that are joined into one stream, or the stream of ids itself. */
export type RawData = { kind: 'rows'; rows: string[] } | { kind: 'ids'; ids: number[] };

/**
 * Reads a data file's content by its name's ending: `.txt` one row of text; `.jsonl` one object a line, of which
 * `field` is the text; `.json` a flat array of token ids.
 * @throws DataError for another ending, malformed JSON, a missing field, ids that are no non-negative integers, or
 * no text at all.
 */
export function parseData(name: string, content: string, field: string): RawData {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content;
  if (text.trim() === '') throw new DataError('the file is empty.', { where: name });
  if (name.endsWith('.txt')) return { kind: 'rows', rows: [text] };
  if (name.endsWith('.jsonl')) return { kind: 'rows', rows: parseJsonLines(name, text, field) };
  if (name.endsWith('.json')) return { kind: 'ids', ids: parseIds(name, text) };
  throw new DataError('is neither .txt, .jsonl nor .json.', {
    where: name,
    remedy: 'Give text as .txt, rows as .jsonl with --field, or token ids as a .json array.',
  });
}

function parseJsonLines(name: string, text: string, field: string): string[] {
  const rows: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${name}:${index + 1}`;
    const row = parseJson(where, line);
    const value = typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[field] : undefined;
    if (typeof value !== 'string') {
      const fields = typeof row === 'object' && row !== null ? Object.keys(row).join(', ').slice(0, 200) : 'none';
      throw new DataError(`no text in field '${field}'.`, {
        where,
        remedy: `Name another with --field (it has: ${fields}).`,
      });
    }
    rows.push(value);
  }
  return rows;
}

function parseIds(name: string, text: string): number[] {
  const ids = parseJson(name, text);
  if (!Array.isArray(ids)) throw new DataError('is not a flat array of token ids.', { where: name });
  const wrong = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0 && id < 2 ** 31));
  if (wrong >= 0) {
    throw new DataError(`entry ${wrong} (${short(ids[wrong])}) is no token id.`, {
      where: name,
    });
  }
  return ids as number[];
}

/** A JSON value in a few characters; not what an object holds, which may be nested too deep to be written out. */
function short(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object or array';
  return (typeof value === 'string' ? JSON.stringify(value) : String(value)).slice(0, 40);
}

function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError('is not valid JSON.', { where, cause });
  }
}
