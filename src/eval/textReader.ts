/** The reader for each form of data file. */
import { CsvReader } from './csvRows.ts';
import type { DataForm } from './dataForm.ts';
import { JsonArrayReader } from './jsonArray.ts';
import { JsonLinesReader } from './jsonLines.ts';
import type { TextPart, TextReader } from './textPart.ts';

/**
 * @param name the file's, for messages.
 * @param field of a row: the column, or the path of keys, that holds its text.
 */
export function textReader(name: string, form: DataForm, field: string): TextReader {
  if (form === 'text') return new PlainTextReader();
  if (form === 'jsonl') return new JsonLinesReader(name, field);
  if (form === 'json') return new JsonArrayReader(name, field);
  return new CsvReader(name, field, form === 'csv' ? ',' : '\t');
}

/** One text, as it stands. */
class PlainTextReader implements TextReader {
  #begun = false;

  *take(piece: string): Generator<TextPart, void> {
    if (piece === '') return;
    yield { text: piece, begins: !this.#begun };
    this.#begun = true;
  }

  *end(): Generator<TextPart, void> {}
}
