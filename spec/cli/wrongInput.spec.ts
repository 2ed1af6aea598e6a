/** Wrong input as a user would give it: one clear line on stderr, nothing on stdout, exit code 1 or 2. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { blockpruner, planted, text } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(at(name), content);
  return at(name);
};
/** A copy of the planted model with one file changed. */
const changed = (name: string, change: (folder: string) => void): string => {
  cpSync(planted, at(name), { recursive: true });
  change(at(name));
  return at(name);
};
const config = JSON.parse(readFileSync(join(planted, 'config.json'), 'utf8')) as Record<string, unknown>;
const withConfig = (name: string, fields: Record<string, unknown>): string => {
  return changed(name, (path) => writeFileSync(join(path, 'config.json'), JSON.stringify({ ...config, ...fields })));
};
const weights = readFileSync(join(planted, 'model.safetensors'));

const inTheWay = file('file', 'not a folder');
const prune = (...rest: string[]): string[] => ['prune', planted, '--data', text, '--out', at('out'), ...rest];
const measure = (model: string, ...rest: string[]): string[] => ['perplexity', model, '--data', text, ...rest];

/** What is wrong, the command, the exit code, what the line says. */
const cases: [string, string[], number, RegExp][] = [
  [
    'a missing model',
    measure('no/such/folder/anywhere'),
    1,
    /no\/such\/folder\/anywhere: there is no such file or folder/,
  ],
  ['a missing data file', ['perplexity', planted, '--data', 'none.txt'], 1, /none\.txt: no such file or folder/],
  ['an empty text', ['perplexity', planted, '--data', file('empty.txt', ' \n')], 1, /empty\.txt: the file is empty/],
  [
    'a text shorter than a chunk',
    ['perplexity', planted, '--data', file('short.txt', 'to be')],
    1,
    /short\.txt: 5 tokens are fewer than one chunk of 256\..*--chunk/,
  ],
  [
    'data of an unknown kind',
    ['perplexity', planted, '--data', file('x.csv', 'a,b')],
    1,
    /neither \.txt, \.jsonl nor \.json/,
  ],
  [
    'data that is no UTF-8',
    ['perplexity', planted, '--data', file('b.txt', Uint8Array.of(200, 1))],
    1,
    /b\.txt: is not UTF-8/,
  ],
  [
    'a row without the field',
    ['perplexity', planted, '--data', file('rows.jsonl', '{"text":"a"}\n{"txt":"b"}\n')],
    1,
    /rows\.jsonl:2: no text in field 'text'\. Name another with --field \(it has: txt\)/,
  ],
  [
    'an id outside the vocabulary',
    ['perplexity', planted, '--data', file('ids.json', '[1, 2, 999999, 3]'), '--chunk', '2'],
    1,
    /ids\.json: token id 999999 \(at 2\) is outside the model's vocabulary/,
  ],
  [
    'an unknown family',
    measure(withConfig('family', { model_type: 'mamba' })),
    1,
    /model_type 'mamba' is not supported.*llama/,
  ],
  [
    'an activation we lack',
    measure(withConfig('act', { hidden_act: 'relu' })),
    1,
    /hidden_act = 'relu' is not supported/,
  ],
  [
    'a config that is no JSON',
    measure(changed('json', (path) => writeFileSync(join(path, 'config.json'), '{'))),
    1,
    /not valid JSON/,
  ],
  [
    'weights cut short',
    measure(changed('cut', (path) => writeFileSync(join(path, 'model.safetensors'), weights.subarray(0, -5)))),
    1,
    /model\.safetensors: .*(?:outside|damaged)/,
  ],
  ['a GGUF file that is none', measure(file('x.gguf', 'GGUF?')), 1, /x\.gguf: /],
  [
    'a block that is no name',
    measure(planted, '--mask', 'L1.ffn'),
    1,
    /'L1\.ffn' is no block name\. Write L<layer>\.mha/,
  ],
  ['a block that is not there', measure(planted, '--mask', 'L99.mha'), 1, /block 'L99\.mha' does not exist/],
  ['a block twice', measure(planted, '--mask', 'L1.mha,L1.mha'), 1, /'L1\.mha' is named twice/],
  ['a missing del_order_list', measure(planted, '--mask', 'none.json'), 1, /none\.json: no such file/],
  ['no stop rule', prune(), 2, /no stop rule\. Give --blocks, --ratio or --max-ppl/],
  ['no blocks to remove', prune('--blocks', '0'), 2, /--blocks 0: the model has 12 blocks/],
  ['more blocks than there are', prune('--blocks', '13'), 2, /--blocks 13: the model has 12 blocks/],
  [
    'more MHA blocks than there are',
    prune('--blocks', '7', '--kind', 'mha'),
    2,
    /--blocks 7: the model has 6 MHA blocks/,
  ],
  ['half a layer', prune('--blocks', '3', '--kind', 'layer'), 2, /layer mode removes two blocks at a time/],
  ['a ratio beyond all', prune('--ratio', '1.5'), 2, /--ratio 1\.5 is not between 0 and 1/],
  ['a perplexity below one', prune('--max-ppl', '0.5'), 2, /--max-ppl 0\.5 is no perplexity/],
  ['a number that is none', prune('--blocks', 'three'), 2, /Give a whole number/],
  ['an unknown kind', prune('--blocks', '1', '--kind', 'head'), 2, /Allowed choices are mix, mha, mlp, layer/],
  ['an unknown option', prune('--blocks', '1', '--blcks', '2'), 2, /unknown option '--blcks'/],
  ['an unknown command', ['prume', planted], 2, /unknown command 'prume'/],
  ['no data', ['prune', planted, '--blocks', '1'], 2, /required option '--data <file>' not specified/],
  ['an output folder that is a file', prune('--blocks', '1', '--out', inTheWay), 1, /file: a file is in the way/],
  [
    'an output folder below a file',
    prune('--blocks', '1', '--out', join(inTheWay, 'x')),
    1,
    /file\/x: a part of the path is a file/,
  ],
  [
    'a chunk beyond the context',
    measure(planted, '--chunk', '300'),
    1,
    /a chunk of 300 tokens is longer than the model's context of 256/,
  ],
  [
    'a stride beyond the chunk',
    measure(planted, '--chunk', '8', '--stride', '9'),
    1,
    /a stride of 9 tokens does not fit chunks of 8/,
  ],
  ['a BOS the model has not', measure(planted, '--bos', 'chunk'), 1, /no BOS token\. Use --bos none/],
  [
    'too little memory',
    ['prune', planted, '--data', text, '--blocks', '1', '--memory', '1MB', '--chunk', '256'],
    1,
    /needs \d+ MiB at the least and has 1 MiB.*Raise --memory to \d+MB/,
  ],
  ['a memory size that is none', measure(planted, '--memory', 'lots'), 2, /Give a size of at least 1MB/],
  ['lanes no vector has', measure(planted, '--lanes', '6'), 2, /Give 4 or 8/],
  [
    'lanes of another backend',
    measure(planted, '--lanes', '8', '--backend', 'reference'),
    2,
    /--lanes goes with --backend simd/,
  ],
  [
    'a gpu mode of another backend',
    measure(planted, '--gpu-mode', 'cpu', '--backend', 'simd'),
    2,
    /--gpu-mode goes with --backend gpu/,
  ],
  ['an empty prompt', ['generate', planted, '--prompt', ''], 1, /the prompt has no token/],
  [
    'a temperature below zero',
    ['generate', planted, '--prompt', 'a', '--temperature', '-1'],
    2,
    /--temperature -1 is not ≥ 0/,
  ],
];

describe('wrong input', () => {
  it.concurrent.each(cases)('%s', async (_, args, code, line) => {
    const outcome = await blockpruner(args);
    const lines = outcome.stderr.split('\n').filter((row) => row.startsWith('error: '));
    expect(lines, outcome.stderr).toHaveLength(1);
    expect(lines[0]).toMatch(line);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
    expect(outcome.stderr).not.toContain('bug in blockpruner');
    expect(outcome.stdout).toBe('');
    expect(outcome.code).toBe(code);
  });

  it('shows the stack with --debug', async () => {
    const { code, stderr } = await blockpruner(['inspect', 'no/such/folder/anywhere', '--debug']);
    expect(stderr).toMatch(/\n\s+at /);
    expect(code).toBe(1);
  });

  it('refuses the journal of another run, and keeps it', async () => {
    const out = at('journal');
    mkdirSync(out);
    const args = ['prune', planted, '--data', text, '--tokens', '512', '--out', out, '--quiet'];
    expect((await blockpruner([...args, '--blocks', '1'])).code).toBe(0);
    const journal = readFileSync(join(out, 'journal.jsonl'), 'utf8');
    const other = await blockpruner([...args, '--blocks', '1', '--chunk', '128']);
    expect(other.stderr).toMatch(
      /^error: .*journal\.jsonl: belongs to a run with other settings\. Use another --out, or --fresh/m,
    );
    expect(other.code).toBe(1);
    expect(readFileSync(join(out, 'journal.jsonl'), 'utf8')).toBe(journal);
    const fresh = await blockpruner([...args, '--blocks', '1', '--chunk', '128', '--fresh']);
    expect(fresh.code).toBe(0);
  });
});
