/** Comma- and tab-separated values, as RFC 4180 has them and as people write them. */
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { parseData } from '../../src/eval/textData.ts';

const rowsOf = (content: string, field = 'text', name = 'a.csv'): string[] => {
  const data = parseData(name, content, field);
  return data.kind === 'rows' ? data.rows : [];
};

describe('a .csv', () => {
  it.each<[string, string, string[]]>([
    ['the last line without its end', 'text\na', ['a']],
    ['empty lines', '\ntext\n\na\n\n\nb\n\n', ['a', 'b']],
    ['an empty text in quotes, alone in its row', 'text\n""\na\n', ['', 'a']],
    ['an empty text beside another field', 'id,text\n1,\n2,b\n', ['', 'b']],
    ['the separator in quotes', 'text,id\n"a,b",1\n', ['a,b']],
    ['line ends in quotes, as they stand', 'text\n"a\r\nb\nc"\r\n', ['a\r\nb\nc']],
    ['quotes in quotes', 'text\n"say ""hi"""\n""""\n', ['say "hi"', '"']],
    ['quotes inside a plain field, as they stand', 'text,id\na "b" c,1\n5",2\n', ['a "b" c', '5"']],
    ['lines in CR, as old Macs ended them', 'text\ra\rb\r', ['a', 'b']],
    ['white space around fields, as it stands', 'id,text\n1, a \n', [' a ']],
    ['a header in quotes', '"id","text"\n1,a\n', ['a']],
    ['columns after the text', 'text,x,y\na,,\n', ['a']],
  ])('reads %s', (_, content, rows) => {
    expect(rowsOf(content)).toEqual(rows);
  });

  it('takes the column that is named, also one with a dot', () => {
    expect(rowsOf('text,meta.text\na,b\n', 'meta.text')).toEqual(['b']);
  });

  it.each<[string, string, RegExp]>([
    ['another column', 'id,body\n1,a', /^a\.csv:1: there is no column 'text'\. Its first line must name.*id, body\)/],
    ['tabs', 'id\ttext\n1\ta', /has tabs: name the file \.tsv/],
    ['semicolons', '\n\nid;text\n1;a', /^a\.csv:3: .*has semicolons/],
    ['a column twice', 'text,text\na,b', /^a\.csv:1: two columns are called 'text'/],
    ['a row too short', 'id,text\n1,a\n\n2\n', /^a\.csv:4: the row has 1 of the 2 fields/],
    ['a row too long', 'id,text\n1,"a\nb"\n2,a,b\n', /^a\.csv:4: the row has 3 of the 2 fields.*commas, quotes/],
    ['a quote that does not end', 'text\na\n"b\n\nc', /^a\.csv:3: a field in quotes does not end/],
    ['text after a closing quote', 'text\n"a\nb" c\n', /^a\.csv:3: a field goes on after its closing quote/],
    ['a header alone', 'id,text\r\n', /^a\.csv: has a line with the names of columns and no rows/],
  ])('with %s is refused, with its line', (_, content, message) => {
    expect(() => rowsOf(content)).toThrow(DataError);
    expect(() => rowsOf(content)).toThrow(message);
  });
});

describe('a .tsv', () => {
  it('separates by tabs, and has the same quotes', () => {
    expect(rowsOf('id\ttext\n1\ta, "b"\n2\t"c\td"\n', 'text', 'a.tsv')).toEqual(['a, "b"', 'c\td']);
  });

  it.each<[string, RegExp]>([
    ['id,text\n1,a', /has commas: name the file \.csv/],
    ['id\ttext\n1\ta\tb', /fields that hold tabs, quotes/],
  ])('%j is refused', (content, message) => {
    expect(() => rowsOf(content, 'text', 'a.tsv')).toThrow(message);
  });
});
