/** Config files that are not there, are malformed, or hold what a command does not take. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PLANTED, TEXT, type WrongInput } from '../wrongInput.ts';

const good = `model: ${PLANTED}\ndata: ${TEXT}\nblocks: 2\nout: out\n`;

/** `prune --config` on this file. */
function holding(what: string, content: string | Uint8Array, line: RegExp, name: string = 'run.yaml'): WrongInput {
  return { what, args: ['prune', '--config', name], files: { [name]: content }, code: 2, line };
}

/** A key that is wrong, in a file that is good but for it. */
function key(text: string, line: RegExp): WrongInput {
  return holding(text, `${good}${text}\n`, line);
}

export const configCases: readonly WrongInput[] = [
  { what: 'none there', args: ['prune', '--config', 'no.yaml'], code: 2, line: /no\.yaml: no such file or folder/ },
  {
    what: 'a folder',
    args: ['prune', '--config', 'run.yaml'],
    setup: (folder) => mkdirSync(join(folder, 'run.yaml')),
    code: 2,
    line: /run\.yaml: is not a regular file/,
  },
  {
    what: 'given twice',
    args: ['prune', '--config', 'a.yaml', '--config', 'b.yaml'],
    code: 2,
    line: /option '--config <file>' is given twice/,
  },
  holding(
    'another kind of file',
    good,
    /run\.toml: is no config by its name\. Give a \.yaml, \.yml or \.json/,
    'run.toml',
  ),
  holding('bytes that are no text', new Uint8Array([0x61, 0x3a, 0xff]), /run\.yaml: is not UTF-8 text/),
  holding('a large file', 'a'.repeat(2 ** 20 + 1), /run\.yaml: is over 1 MiB/),
  holding('nothing', '', /run\.yaml: holds nothing where keys and values are wanted\. Write blocks: 4/),
  holding('a list', '- blocks\n', /run\.yaml: holds an array of 1 where keys/),
  holding('a text', 'blocks 4\n', /run\.yaml: holds 'blocks 4' where keys/),
  holding('a number', '4', /run\.json: holds 4 where keys and values are wanted\. Write \{ "blocks": 4 \}/, 'run.json'),
  holding('malformed YAML', 'data: [a\nblocks: 2', /run\.yaml: is malformed YAML: .* at line 2, column 1\./),
  holding(
    'a key that is there twice',
    `${good}blocks: 3\n`,
    /run\.yaml: is malformed YAML: duplicated mapping key at line 5/,
  ),
  holding('two documents', `${good}---\n${good}`, /run\.yaml: is malformed YAML: expected a single document/),
  holding('an alias of nothing', `${good}tokens: *many\n`, /run\.yaml: is malformed YAML: unidentified alias/),
  holding('a tag that means nothing', `${good}tokens: !many 3\n`, /run\.yaml: is malformed YAML: unknown tag/),
  holding('malformed JSON', '{"blocks": 2,}', /run\.json: is malformed JSON: .* at position 13/, 'run.json'),
  holding(
    'JSON with a key twice',
    '{"blocks": 2, "blocks": 3}',
    /run\.json: is malformed JSON: duplicated mapping key/,
    'run.json',
  ),
  holding('YAML in a .json', good, /run\.json: is malformed JSON/, 'run.json'),
  key('colour: red', /run\.yaml: colour: is no key of prune\. Keys are its options without --, and model: data, field/),
  key('maxPpl: 20', /run\.yaml: maxPpl: is no key of prune\. Write max-ppl\./),
  key('--tokens: 20', /run\.yaml: --tokens: is no key of prune\. Write tokens\./),
  key('config: other.yaml', /run\.yaml: config: is no key of prune/),
  key('"a\\e[31m": 1', /run\.yaml: a\\u001b\[31m: is no key of prune/i),
  key('steps: 3', /run\.yaml: steps: is no key of prune/),
  key('__proto__: 3', /run\.yaml: __proto__: is no key of prune/),
  key('command: repair', /run\.yaml: command: is 'repair', and this is prune\. Write prune, or leave it out/),
  key('tokens: many', /run\.yaml: tokens: is 'many'\. Write a number, or all\./),
  key('tokens: "64"', /run\.yaml: tokens: is '64'\. Write a number, or all\./),
  key('tokens:', /run\.yaml: tokens: is empty\. Write a number, or all\./),
  key('seed: all', /run\.yaml: seed: is 'all'\. Write a number\./),
  key('tokens: 1', /run\.yaml: tokens: '1' does not go\. Give a whole number from 2 to/),
  key('tokens: 64.5', /run\.yaml: tokens: '64\.5' does not go\. Give a whole number/),
  key('tokens: .inf', /run\.yaml: tokens: 'Infinity' does not go\. Give a whole number/),
  key('ratio: 1', /run\.yaml: ratio: '1' does not go\. Give a number above 0 and below 1/),
  key('kind: attention', /run\.yaml: kind: 'attention' does not go\. Allowed choices are mix, mha, mlp, layer/),
  key('kind: [mha]', /run\.yaml: kind: is an array of 1\. Write a text\./),
  key('eval: [a.txt, 3]', /run\.yaml: eval: is an array of 2\. Write a text or a list of texts/),
  key('eval: []', /run\.yaml: eval: is \[\]\. Write a text or a list of texts/),
  key('memory: 1', /run\.yaml: memory: '1' does not go\. Give a size from 1MB/),
  key('memory: true', /run\.yaml: memory: is true\. Write a text or a number/),
  key('lanes: 5', /run\.yaml: lanes: '5' does not go\. Give 4 or 8/),
  key('fresh: yes', /run\.yaml: fresh: is 'yes'\. Write true or false/),
  key('fresh: 1', /run\.yaml: fresh: is 1\. Write true or false/),
  key('revision: 1.0', /run\.yaml: revision: is 1\. Write a text in quotes/),
  holding('a model that is a number', 'model: 3\n', /run\.yaml: model: is 3\. Write a text in quotes/),
  holding('no model', `data: ${TEXT}\nblocks: 2\n`, /missing required argument 'model'/),
  holding('no data', `model: ${PLANTED}\nblocks: 2\n`, /required option '--data <file>' not specified/),
  holding('no stop rule', `model: ${PLANTED}\ndata: ${TEXT}\nout: out\n`, /no stop rule/),
  {
    what: 'a config that another command wrote',
    args: ['heal', '--config', 'run.json'],
    files: { 'run.json': '{"command": "prune", "model": "m"}' },
    code: 2,
    line: /run\.json: command: is 'prune', and this is heal/,
  },
  {
    what: 'a hand-written run.json where the kept one would go',
    args: ['prune', PLANTED, '--data', TEXT, '--blocks', '1', '--out', 'out'],
    files: { 'out/run.json': '{"blocks": 1}' },
    code: 1,
    line: /out\/run\.json: was not written by `prune` and would be replaced/,
  },
];
