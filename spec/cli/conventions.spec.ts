/**
 * A convention that is stated is the one that was used: the same options give the same figure from
 * every command.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Convention } from '../../src/eval/convention.ts';
import { inProcess } from './inProcess.ts';
import { configWith, model, recipeFiles, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-conventions-'));
afterAll(() => rmSync(folder, { recursive: true }));
// A BOS to place, and a pad id that occurs in the text: the letter e.
model({ 'config.json': configWith({ bos_token_id: 10, pad_token_id: 101 }) })(folder);
cpSync(join(folder, 'model'), join(folder, 'no-pad'), { recursive: true });
writeFileSync(join(folder, 'no-pad', 'config.json'), configWith({ bos_token_id: 10 }));
const text = readFileSync(TEXT, 'utf8');
const rows = [0, 1, 2, 3].map((row) => JSON.stringify({ text: text.slice(row * 400, (row + 1) * 400) }));
writeFileSync(join(folder, 'rows.jsonl'), rows.join('\n'));

interface Measured {
  ppl: number;
  convention: Convention;
}

async function json(args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await inProcess([...args, '--json', '--quiet'], { cwd: folder });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function perplexity(options: readonly string[], mask = '', of = 'model'): Promise<Measured> {
  return (await json(['perplexity', of, '--data', 'rows.jsonl', '--mask', mask, ...options])) as unknown as Measured;
}

const settings: [string, string[], Partial<Convention>][] = [
  ['no option', [], { chunk: 256, stride: 256, bos: 'none', join: '\n\n', nllSum: 'f64', ignoredId: 101 }],
  ['--chunk', ['--chunk', '64'], { chunk: 64, stride: 64 }],
  ['--stride', ['--chunk', '64', '--stride', '16'], { chunk: 64, stride: 16 }],
  ['--bos stream', ['--bos', 'stream'], { bos: 'stream' }],
  ['--bos chunk', ['--bos', 'chunk'], { bos: 'chunk' }],
  ['--join', ['--join', '\\n--\\t'], { join: '\n--\t' }],
  ['an empty --join', ['--join', ''], { join: '' }],
  ['--tokens', ['--tokens', '700'], {}],
  ['--nll-sum f32', ['--nll-sum', 'f32'], { nllSum: 'f32' }],
  [
    '--convention token-mean',
    ['--convention', 'token-mean', '--chunk', '64', '--stride', '16'],
    { name: 'token-mean', aggregation: 'mean over all targets', ignoredId: null },
  ],
  [
    '--convention llama.cpp',
    ['--convention', 'llama.cpp', '--chunk', '64', '--bos', 'stream'],
    { name: 'llama.cpp', bos: 'replaced', ignoredId: null },
  ],
  [
    'all together',
    ['--chunk', '64', '--stride', '32', '--bos', 'chunk', '--join', ' ', '--tokens', '700', '--nll-sum', 'f32'],
    { chunk: 64, stride: 32, bos: 'chunk', join: ' ', nllSum: 'f32', ignoredId: 101 },
  ],
];

describe('a convention', () => {
  let plain: Measured;
  beforeAll(async () => {
    plain = await perplexity([]);
  });

  it.each(settings)('of %s is used by perplexity, prune and heal alike', async (name, options, stated) => {
    const [dense, masked] = [await perplexity(options), await perplexity(options, 'L5.mlp')];
    expect(dense.convention).toMatchObject(stated);
    if (name !== 'no option') expect(dense.ppl).not.toBe(plain.ppl);

    const searched = await json([
      'prune',
      'model',
      '--data',
      'rows.jsonl',
      '--blocks',
      '1',
      '--out',
      'run',
      '--fresh',
      ...options,
    ]);
    expect(searched.convention).toEqual(dense.convention);
    expect((searched.dense as Measured).ppl).toBe(dense.ppl);

    const heal = ['heal', 'model', '--mask', 'L5.mlp', '--data', TEXT, '--valid', 'rows.jsonl', '--out', 'healed'];
    const healed = await json([...heal, '--steps', '1', '--fresh', ...options]);
    expect(healed.convention).toEqual(dense.convention);
    expect((healed.dense as Measured).ppl).toBe(dense.ppl);
    expect((healed.pruned as Measured).ppl).toBe(masked.ppl);
    const after = await perplexity(options, '', 'healed');
    expect((healed.healed as Measured).ppl).toBe(after.ppl);
  });

  it.each<[string, Partial<Convention>]>([
    ['hf-stride', { chunk: 64, stride: 32 }],
    ['document', { bos: 'text' }],
    ['word', { aggregation: 'NLL of all texts over their words' }],
  ])('%s is used by perplexity and heal alike, and refused by prune', async (convention, stated) => {
    const options = ['--convention', convention, '--chunk', '64'];
    const dense = await perplexity(options);
    expect(dense.convention).toMatchObject({ name: convention, ...stated });
    const heal = ['heal', 'model', '--mask', 'L5.mlp', '--data', TEXT, '--valid', 'rows.jsonl', '--out', 'healed-by'];
    const healed = await json([...heal, '--steps', '1', '--fresh', ...options]);
    expect(healed.convention).toEqual(dense.convention);
    expect((healed.dense as Measured).ppl).toBe(dense.ppl);
    const prune = ['prune', 'model', '--data', 'rows.jsonl', '--blocks', '1', '--out', 'refused', ...options];
    const { code, stderr } = await inProcess(prune, { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^error: --convention: ${convention} measures windows of unequal length`, 'm'));
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it('named otherwise is another journal', async () => {
    const run = (convention: string): ReturnType<typeof inProcess> =>
      inProcess(
        [
          'prune',
          'no-pad',
          '--data',
          'rows.jsonl',
          '--chunk',
          '64',
          '--blocks',
          '1',
          '--out',
          'named',
          '--convention',
          convention,
        ],
        { cwd: folder },
      );
    expect((await run('paper')).code).toBe(0);
    const other = await run('token-mean');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('settings');
  });

  it('of unequal chunks is no race', async () => {
    const args = ['prune', 'model', '--data', 'rows.jsonl', '--blocks', '1', '--out', 'race', '--search', 'race'];
    const { code, stderr } = await inProcess(
      [...args, '--chunk', '64', '--stride', '16', '--convention', 'token-mean'],
      {
        cwd: folder,
      },
    );
    expect(code).toBe(2);
    expect(stderr).toContain('chunks of token-mean count differently');
  });

  it('says which id is ignored, and ignores it', async () => {
    const counted = await perplexity([], '', 'no-pad');
    expect([plain.convention.ignoredId, counted.convention.ignoredId]).toEqual([101, null]);
    expect(counted.ppl).not.toBe(plain.ppl);
  });

  it('of a training is that of its validation text', async () => {
    const files = recipeFiles({ steps: 5, validation: { file: 'text.txt' } });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const trained = await json(['train', 'recipe.json', '--out', 'trained']);
    const measured = (await json([
      'perplexity',
      'trained',
      '--data',
      'text.txt',
      '--bos',
      'none',
    ])) as unknown as Measured;
    expect(trained.convention).toMatchObject({ nllSum: 'f64', bos: 'none', chunk: 32, stride: 32 });
    const { perplexity: ppl } = trained.figures as { perplexity: number };
    // The kernels may differ, plain in training.
    expect(Math.abs(ppl / measured.ppl - 1)).toBeLessThan(1e-5);
    expect(measured.convention).toEqual({ ...(trained.convention as Convention), ...joinOf(measured.convention) });
  });
});

/** A recipe's text is one row; what would stand between rows has no meaning there. */
function joinOf({ join: between, text: words }: Convention): Partial<Convention> {
  return { join: between, text: words };
}
