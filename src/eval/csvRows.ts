/**
 * Rows out of comma- or tab-separated values (RFC 4180): a header with the names of the columns,
 * then a row a line. A field in double quotes may hold separators, line ends, and quotes as two
 * quotes. Lines end in LF, CRLF or CR; empty ones are passed over.
 */
import { DataError } from '../errors.ts';
import { named, names } from './jsonWords.ts';
import { checkRowLength, type TextPart, type TextReader } from './textPart.ts';

/** Where in a field the reader stands: `quote` is after a quote that ends it or is one of two. */
type Place = 'start' | 'plain' | 'quoted' | 'quote';

export class CsvReader implements TextReader {
  readonly #name: string;
  readonly #column: string;
  readonly #separator: ',' | '\t';
  /** The end of a run of plain or quoted characters. */
  readonly #ends: Readonly<Record<'plain' | 'quoted', RegExp>>;
  #header: { index: number; width: number } | null = null;
  #rows = 0;
  #place: Place = 'start';
  #fields: string[] = [];
  #field: string[] = [];
  #length = 0;
  /** Whether some field of the row has quotes: then the row is not blank. */
  #quotes = false;
  /** The line, from 1, and that on which the row began. */
  #line = 1;
  #rowLine = 1;

  /** @param column whose fields are the texts. */
  constructor(name: string, column: string, separator: ',' | '\t') {
    this.#name = name;
    this.#column = column;
    this.#separator = separator;
    this.#ends = { plain: separator === ',' ? /[,\r\n]/g : /[\t\r\n]/g, quoted: /["\n]/g };
  }

  *take(piece: string): Generator<TextPart, void> {
    let at = 0;
    while (at < piece.length) {
      if (this.#place === 'plain' || this.#place === 'quoted') at = this.#run(piece, at, this.#ends[this.#place]);
      if (at < piece.length) yield* this.#special(piece[at++]);
    }
  }

  *end(): Generator<TextPart, void> {
    if (this.#place === 'quoted') {
      throw new DataError('a field in quotes does not end.', {
        where: `${this.#name}:${this.#rowLine}`,
        remedy: 'Close it with a quote; a quote inside a field is written as two.',
      });
    }
    yield* this.#endRow();
    if (this.#rows > 0) return;
    const what = this.#header === null ? 'the file is empty.' : 'has a line with the names of columns and no rows.';
    throw new DataError(what, { where: this.#name });
  }

  /** Takes what lies before the next character of `end`; gives its place. */
  #run(piece: string, from: number, end: RegExp): number {
    end.lastIndex = from;
    const at = end.exec(piece)?.index ?? piece.length;
    this.#add(piece.slice(from, at));
    return at;
  }

  #add(text: string): void {
    this.#field.push(text);
    this.#length += text.length;
    checkRowLength(`${this.#name}:${this.#rowLine}`, this.#length);
  }

  /** One character, outside a run or at its end. */
  *#special(char: string): Generator<TextPart, void> {
    if (this.#place === 'quoted') {
      if (char === '"') this.#place = 'quote';
      else {
        this.#line++;
        this.#add(char);
      }
    } else if (char === this.#separator) this.#endField();
    else if (char === '\n' || char === '\r') {
      // Of CRLF the first ends the row, and the second an empty one, which is passed over.
      if (char === '\n') this.#line++;
      yield* this.#endRow();
      this.#rowLine = this.#line;
    } else if (char === '"' && this.#place === 'start') {
      this.#place = 'quoted';
      this.#quotes = true;
    } else if (char === '"' && this.#place === 'quote') {
      this.#place = 'quoted';
      this.#add(char);
    } else if (this.#place === 'quote') {
      throw new DataError('a field goes on after its closing quote.', {
        where: `${this.#name}:${this.#line}`,
        remedy: 'A quote inside a field is written as two, and the field begins and ends with one.',
      });
    } else {
      this.#place = 'plain';
      this.#add(char);
    }
  }

  #endField(): void {
    this.#fields.push(this.#field.join(''));
    this.#field = [];
    this.#place = 'start';
  }

  *#endRow(): Generator<TextPart, void> {
    this.#endField();
    const row = this.#fields;
    const blank = row.length === 1 && !this.#quotes && row[0] === '';
    this.#fields = [];
    this.#length = 0;
    this.#quotes = false;
    if (blank) return;
    if (this.#header === null) this.#header = this.#readHeader(row);
    else {
      this.#rows++;
      yield { text: this.#textOf(row, this.#header), begins: true };
    }
  }

  #textOf(row: readonly string[], { index, width }: { index: number; width: number }): string {
    if (row.length === width) return row[index];
    const what = this.#separator === ',' ? 'commas' : 'tabs';
    throw new DataError(`the row has ${row.length} of the ${width} fields that the header names.`, {
      where: `${this.#name}:${this.#rowLine}`,
      remedy: `Put fields that hold ${what}, quotes or line ends into double quotes.`,
    });
  }

  #readHeader(header: readonly string[]): { index: number; width: number } {
    const index = header.indexOf(this.#column);
    if (index < 0) {
      throw new DataError(`there is no column ${named(this.#column)}.`, {
        where: `${this.#name}:${this.#rowLine}`,
        remedy: this.#otherColumn(header),
      });
    }
    if (header.lastIndexOf(this.#column) !== index) {
      throw new DataError(`two columns are called ${named(this.#column)}.`, {
        where: `${this.#name}:${this.#rowLine}`,
        remedy: 'Rename one of them.',
      });
    }
    return { index, width: header.length };
  }

  /** Which column might be meant, or that another character separates them. */
  #otherColumn(header: readonly string[]): string {
    const others = [',', ';', '\t'].filter((char) => char !== this.#separator);
    const other = header.length === 1 ? others.find((char) => header[0].includes(char)) : undefined;
    if (other === '\t') return 'Its first line has tabs: name the file .tsv.';
    if (other === ',') return 'Its first line has commas: name the file .csv.';
    if (other === ';') return 'Its first line has semicolons: separate the columns by commas.';
    return `Its first line must name the columns, and --field one of them (it has: ${names(header)}).`;
  }
}
