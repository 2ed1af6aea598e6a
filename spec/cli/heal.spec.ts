/** What healing leaves behind. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inProcess } from './inProcess.ts';
import { model, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-heal-'));
afterAll(() => rmSync(folder, { recursive: true }));

const kept = [
  'LICENSE',
  'LICENSE-MODEL.txt',
  'License.md',
  'NOTICE',
  'README.md',
  'USE_POLICY.md',
  'added_tokens.json',
  'additional_chat_templates/tool_use.jinja',
  'chat_template.jinja',
  'chat_template.json',
  'generation_config.json',
  'merges.txt',
  'sentencepiece.bpe.model',
  'special_tokens_map.json',
  'spiece.model',
  'tekken.json',
  'tokenizer.model',
  'tokenizer.tiktoken',
  'tokenizer_config.json',
  'vocab.json',
  'vocab.txt',
];
const left = ['pytorch_model.bin', 'model.safetensors.index.json', 'notes.txt', 'optimizer.pt', 'healing.json'];

/** Own folder, a model with these further files. */
function withFiles(name: string, files: readonly string[]): string {
  const place = join(folder, name);
  mkdirSync(join(place, 'additional_chat_templates'), { recursive: true });
  model()(place);
  mkdirSync(join(place, 'model', 'additional_chat_templates'));
  for (const file of files) writeFileSync(join(place, 'model', file), file.endsWith('.json') ? '{}' : `the ${file}`);
  return place;
}

const heal = (...rest: string[]): string[] => {
  return [
    'heal',
    'model',
    '--data',
    TEXT,
    '--valid',
    TEXT,
    '--tokens',
    '512',
    '--steps',
    '1',
    '--out',
    'out',
    '--quiet',
    ...rest,
  ];
};

describe('heal', () => {
  it('copies all that belongs to a model beside its weights, and nothing else', async () => {
    const cwd = withFiles('copies', [...kept, ...left.filter((name) => name !== 'model.safetensors.index.json')]);
    const { code, stderr } = await inProcess(heal('--mask', 'L5.mlp'), { cwd });
    expect(code, stderr).toBe(0);
    const written = readdirSync(join(cwd, 'out'), { recursive: true, encoding: 'utf8' });
    for (const name of kept) {
      expect(written).toContain(name);
      expect(readFileSync(join(cwd, 'out', name))).toEqual(readFileSync(join(cwd, 'model', name)));
    }
    expect(left.filter((name) => name !== 'healing.json' && written.includes(name))).toEqual([]);
  });

  it.each([
    // The three blocks that add nothing, and one that does.
    ['L3.mha', 'object', 'pruning cost less than 0.1 % of the perplexity'],
    ['L5.mlp', 'number', 'of what pruning lost'],
  ])('without %s states the share it brought back where there is one', async (mask, share, words) => {
    const cwd = withFiles(`share-${mask}`, []);
    const { code, stdout, stderr } = await inProcess(heal('--mask', mask), { cwd });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(words);
    expect(stdout).not.toMatch(/Infinity|NaN/);
    const { recovered } = JSON.parse(readFileSync(join(cwd, 'out', 'healing.json'), 'utf8')) as {
      recovered: number | null;
    };
    expect(typeof recovered).toBe(share);
  });

  it('runs again into a folder of its own, and over files of others with --force', async () => {
    const cwd = withFiles('again', []);
    for (const steps of ['1', '2']) {
      const args = [...heal('--mask', 'L5.mlp', '--fresh')];
      const { code, stderr } = await inProcess(args.with(args.indexOf('--steps') + 1, steps), { cwd });
      expect(code, stderr).toBe(0);
    }
    writeFileSync(join(cwd, 'out', 'healing.json'), '{"schema": "mine/1"}');
    expect((await inProcess(heal('--mask', 'L5.mlp', '--fresh'), { cwd })).code).toBe(1);
    expect((await inProcess(heal('--mask', 'L5.mlp', '--fresh', '--force'), { cwd })).code).toBe(0);
  });
});
