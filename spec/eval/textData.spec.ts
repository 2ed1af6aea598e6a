import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { parseData, type RawData } from '../../src/eval/textData.ts';

const BOM = '\uFEFF';
const visible = fc.string({ unit: 'grapheme' }).filter((text) => text.trim() !== '' && !text.startsWith(BOM));
const someIds = fc.array(fc.nat(2 ** 31 - 1), { minLength: 1 });
const deep = '['.repeat(50_000) + ']'.repeat(50_000);

describe('parseData', () => {
  test.prop([visible, fc.boolean()])('.txt is one row, as it stands but for a byte order mark', (text, bom) => {
    expect(parseData('a.txt', `${bom ? BOM : ''}${text}`, 'text')).toEqual({ kind: 'rows', rows: [text] });
  });

  test.prop([
    fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }),
    fc.constantFrom('\n', '\r\n', '\n\n', '\n \n'),
    fc.boolean(),
  ])('.jsonl is a row a line, whatever ends the lines', (rows, lineEnd, bom) => {
    const lines = rows.map((text, index) => JSON.stringify({ id: index, body: text }));
    const content = `${bom ? BOM : ''}${lines.join(lineEnd)}${lineEnd}`;
    expect(parseData('a.jsonl', content, 'body')).toEqual({ kind: 'rows', rows });
  });

  test.prop([someIds, fc.boolean()])('.json is a flat array of ids', (ids, bom) => {
    expect(parseData('a.json', `${bom ? BOM : ''}${JSON.stringify(ids)}\r\n`, 'text')).toEqual({ kind: 'ids', ids });
  });

  it.each<[string, string, string, RegExp]>([
    ['an empty file', 'a.txt', '', /a.txt: the file is empty/],
    ['white space only', 'a.jsonl', ' \r\n\t', /empty/],
    ['a byte order mark only', 'a.json', BOM, /empty/],
    ['another ending', 'a.parquet', 'x', /a.parquet: .*\.txt.*pandas/],
    ['text under the name of a packed file', 'a.csv.gz', 'text\na', /is packed.*without \.gz/],
    ['no ending', 'txt', 'x', /txt: has none of the endings/],
    [
      'a NaN of Python',
      'a.jsonl',
      '{"text":"a"}\n{"text":"NaN","score": NaN}',
      /a.jsonl:2: .*NaN, which Python writes/,
    ],
    ['an infinity of Python', 'a.jsonl', '{"text":"b", "score":-Infinity}', /a.jsonl:1: .*-Infinity, .*Write null/],
    ['a bad line of JSON', 'a.jsonl', '{"text":"a"}\n\n{"text":\n{"text":"b"}', /a.jsonl:3: is not valid JSON/],
    [
      'a missing field',
      'a.jsonl',
      '{"text":"a"}\r\n{"title":"b","id":1}',
      /a.jsonl:2: there is no field 'text'.*it has: title\)/,
    ],
    ['a list', 'a.jsonl', '{"text":["a"]}', /a.jsonl:1: field 'text' is an array of 1, not text/],
    ['a number', 'a.jsonl', '{"text":"a"}\n{"text":123}', /a.jsonl:2: field 'text' is the number 123, not text/],
    ['null', 'a.jsonl', '{"text":null,"body":"b"}', /field 'text' is null, not text.*\(it has: body\)/],
    ['a truth value', 'a.jsonl', '{"text":true}', /field 'text' is true, not text/],
    ['a nested field', 'a.jsonl', '{"meta":{"text":"a"}}', /field 'text' lies inside 'meta'/],
    ['a chat', 'a.jsonl', '{"messages":[{"role":"user","content":"a"}]}', /a.jsonl:1: is a chat.*template/],
    ['a chat in the older form', 'a.jsonl', '{"conversations":[{"from":"human","value":"a"}]}', /is a chat/],
    [
      'a row of no text',
      'a.jsonl',
      '{"id":1}',
      /there is no field 'text'. No field of this row is text \(its fields: id/,
    ],
    ['a key that steers a terminal', 'a.jsonl', '{"\\u001b[2J":"a"}', /it has: \\u001b\[2J\)/],
    ['a row that is text', 'a.jsonl', '"text"', /the row is the text "text", not an object/],
    ['a row that is an array', 'a.jsonl', '[{"text":"a"}]', /the row is an array of 1, not an object/],
    ['an array over several lines', 'a.jsonl', '[\n{"text":"a"}\n]', /holds one JSON array over several lines/],
    ['a null row', 'a.jsonl', 'null', /the row is null/],
    ['an inherited field', 'a.jsonl', '{}', /there is no field/],
    ['an object', 'a.json', '{"0":1}', /is an object, not an array of texts/],
    ['one number', 'a.json', '5', /is the number 5, not an array/],
    ['JSON lines', 'a.json', '{"text":"a"}\n{"text":"b"}', /holds one JSON value a line.*Name the file \.jsonl/],
    ['bad JSON', 'a.json', '[1, 2', /a.json: is not valid JSON/],
    ['a fraction', 'a.json', '[1, 2.5]', /entry 1 is the number 2.5/],
    ['a negative id', 'a.json', '[-1]', /entry 0 is the number -1/],
    ['an id beyond 31 bits', 'a.json', '[0, 2147483648]', /entry 1/],
    ['a number beyond all', 'a.json', '[1e999]', /entry 0 is the number Infinity/],
    ['text for an id', 'a.json', '[7, "7"]', /entry 1 is the text "7"/],
    ['null', 'a.json', '[3, null]', /entry 1 is null/],
    ['nested ids', 'a.json', '[[1, 2]]', /entry 0/],
    ['nested deep', 'a.json', deep, /entry 0/],
    ['a row nested deep', 'a.jsonl', deep, /a.jsonl:1: the row is an array/],
  ])('refuses %s, and says where', (_, name, content, message) => {
    const act = (): RawData => parseData(name, content, name === 'a.jsonl' && content === '{}' ? 'toString' : 'text');
    expect(act).toThrow(DataError);
    expect(act).toThrow(message);
  });

  it.each([
    ['A.TXT', 'a', 'rows'],
    ['a.Md', 'a', 'rows'],
    ['a.RAW', 'a', 'rows'],
    ['a.CSV', 'text\na', 'rows'],
    ['a.TSV', 'text\tb\na\t', 'rows'],
    ['b.Jsonl', '{"text":"a"}', 'rows'],
    ['C.JSON', '[1]', 'ids'],
    ['D.JSON', '["a"]', 'rows'],
  ])('reads %s as its small letters', (name, content, kind) => {
    const found = parseData(name, content, 'text');
    expect(found.kind).toBe(kind);
    if (found.kind === 'rows') expect(found.rows).toEqual(['a']);
  });

  it('keeps its message short, whatever the file holds', () => {
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`key ${index}`, 1])));
    for (const [name, content] of [
      ['a.jsonl', wide],
      ['a.json', JSON.stringify([1, 'x'.repeat(10_000)])],
      ['a.json', JSON.stringify([{ [`k${'x'.repeat(10_000)}`]: 1 }])],
      ['a.csv', `${'x'.repeat(10_000)},b\nc,d`],
      ['a.csv', `text\n"${'x'.repeat(10_000)}`],
    ]) {
      const failed = ((): unknown => {
        try {
          return parseData(name, content, 'text');
        } catch (error) {
          return error;
        }
      })();
      expect(failed).toBeInstanceOf(DataError);
      expect(String(failed).length).toBeLessThan(400);
    }
  });

  const nearJson = fc.oneof(
    fc.string(),
    fc.json(),
    fc.string({ unit: fc.constantFrom('text', ',', '"', '\n', '\r', '\t', 'a', '[', ']', '{') }),
    fc.array(fc.json(), { maxLength: 4 }).map((rows) => rows.join('\n')),
  );
  test.prop([
    fc.constantFrom('a.txt', 'a.md', 'a.csv', 'a.tsv', 'a.jsonl', 'a.json', 'a.json.gz', 'a'),
    nearJson,
    fc.string(),
  ])('any input is read, or refused as data', (name, content, field) => {
    try {
      const data = parseData(name, content, field);
      if (data.kind === 'rows') for (const row of data.rows) expect(row).toBeTypeOf('string');
      else for (const id of data.ids) expect(Number.isInteger(id) && id >= 0).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(DataError);
    }
  });
});
