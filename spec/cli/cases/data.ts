/** Texts and token ids that cannot be measured on. */
import { measure, PLANTED, prune, type WrongInput } from '../wrongInput.ts';

const measureOn = (data: string, ...rest: string[]): string[] => ['perplexity', PLANTED, '--data', data, ...rest];

export const dataCases: readonly WrongInput[] = [
  {
    what: 'a file that is not there',
    args: measureOn('none.txt'),
    code: 1,
    line: /none\.txt: no such file or folder/,
  },
  {
    what: 'an empty text',
    files: { 'empty.txt': ' \n' },
    args: measureOn('empty.txt'),
    code: 1,
    line: /empty\.txt: the file is empty/,
  },
  {
    what: 'a text shorter than a chunk',
    files: { 'short.txt': 'to be' },
    args: measureOn('short.txt'),
    code: 1,
    line: /short\.txt: 5 tokens are fewer than one chunk of 256\..*--chunk/,
  },
  {
    what: 'a file of an unknown kind',
    files: { 'x.csv': 'a,b' },
    args: measureOn('x.csv'),
    code: 1,
    line: /neither \.txt, \.jsonl nor \.json/,
  },
  {
    what: 'a text that is not UTF-8',
    files: { 'b.txt': Uint8Array.of(200, 1) },
    args: measureOn('b.txt'),
    code: 1,
    line: /b\.txt: is not UTF-8/,
  },
  {
    what: 'a row without the field',
    files: { 'rows.jsonl': '{"text":"a"}\n{"txt":"b"}\n' },
    args: measureOn('rows.jsonl'),
    code: 1,
    line: /rows\.jsonl:2: there is no field 'text'\. Name a field of text with --field \(it has: txt\)/,
  },
  {
    what: 'a field that is a number',
    files: { 'rows.jsonl': '{"text":"a"}\n{"text":123}\n' },
    args: measureOn('rows.jsonl'),
    code: 1,
    line: /rows\.jsonl:2: field 'text' is the number 123, not text/,
  },
  {
    what: 'rows as one array',
    files: { 'array.json': '[{"text":"a"}]' },
    args: measureOn('array.json'),
    code: 1,
    line: /array\.json: is an array of objects, not of token ids.*\.jsonl/,
  },
  {
    what: 'two data files',
    args: measure(PLANTED, '--data', 'other.txt'),
    code: 2,
    line: /option '--data <file>' is given twice/,
  },
  {
    what: 'a flag given twice',
    args: prune('--blocks', '1', '--fresh', '--fresh'),
    code: 2,
    line: /option '--fresh' is given twice/,
  },
  {
    what: 'an id outside the vocabulary',
    files: { 'ids.json': '[1, 2, 999999, 3]' },
    args: measureOn('ids.json', '--chunk', '2'),
    code: 1,
    line: /ids\.json: token id 999999 \(at 2\) is outside the model's vocabulary/,
  },
];
