/** What a data file holds, told by its name's ending. */
import { DataError } from '../errors.ts';

/** `text` is one text; the others are rows, and a .json may hold token ids. */
export type DataForm = 'text' | 'csv' | 'tsv' | 'jsonl' | 'json';

const forms: Readonly<Record<string, DataForm>> = {
  txt: 'text',
  md: 'text',
  raw: 'text',
  csv: 'csv',
  tsv: 'tsv',
  jsonl: 'jsonl',
  json: 'json',
};

/** The endings, for messages and help: `.txt, .md, .raw, .csv, .tsv, .jsonl, .json`. */
export const dataEndings: string = Object.keys(forms)
  .map((ending) => `.${ending}`)
  .join(', ');

const ending = new RegExp(`\\.(${Object.keys(forms).join('|')})(\\.gz)?$`, 'i');

/** A name without the ending that says what the file holds. */
export function withoutDataEnding(name: string): string {
  return name.replace(ending, '');
}

/**
 * The form that a name's ending stands for, in capitals or not, and whether it is packed (`.gz`).
 * @throws DataError for another ending.
 */
export function dataForm(name: string): { form: DataForm; gzip: boolean } {
  const found = ending.exec(name);
  if (found !== null) return { form: forms[found[1].toLowerCase()], gzip: found[2] !== undefined };
  throw new DataError(`has none of the endings ${dataEndings}, nor one of them with .gz.`, {
    where: name,
    remedy: /\.(?:parquet|arrow)$/i.test(name)
      ? "Convert it with Python: pandas.read_parquet(FILE).to_json('FILE.jsonl', orient='records', lines=True)."
      : 'Give text as .txt, .md or .raw, rows as .csv, .tsv, .jsonl or .json with --field, or token ids as .json.',
  });
}

/** What a file is called in documents and notes: without the folders it lies in. */
export function fileName(path: string): string {
  return path.replace(/^.*[/\\](?=.)/s, '');
}

/** What several files are called together. */
export function dataName(paths: readonly string[]): string {
  const names = paths.map(fileName);
  return names.length > 3 ? `${names.slice(0, 2).join(' + ')} + ${names.length - 2} more` : names.join(' + ');
}
