/**
 * Runs at the edge of what commands do: a model that gives NaN, a recipe without a text to measure
 * on, the hub's cache.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { inProcess } from './inProcess.ts';
import { measure, model, prune, recipeFiles, weights } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-odd-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('a perplexity that is not a number is a result, and says where it began', async () => {
  const withNan = Uint8Array.from(weights);
  withNan.set([0x00, 0x7e], withNan.length - 2);
  model({ 'model.safetensors': withNan })(folder);
  const words = measure('model', '--tokens', '300', '--chunk', '64', '--mask', 'L5.mlp');
  const text = await inProcess(words, { cwd: folder });
  expect(text.code, text.stderr).toBe(0);
  expect(text.stdout).toMatch(/^perplexity not a number/);
  expect(text.stderr).toMatch(/^warning: .*the loss of chunk 1 of 4 without L5\.mlp is NaN/m);
  const { nonFinite, ppl } = JSON.parse((await inProcess([...words, '--json'], { cwd: folder })).stdout) as {
    nonFinite: string;
    ppl: number | null;
  };
  expect(nonFinite).toContain('the loss of chunk 1');
  expect(ppl).toBeNull();
});

it('nothing is written into the cache of the hub, at any depth', async () => {
  const cache = join(folder, 'hub', 'models--a--b');
  mkdirSync(cache, { recursive: true });
  const words = prune('--blocks', '1', '--out', cache);
  const { code, stderr } = await inProcess(words, { cwd: folder, env: { HF_HUB_CACHE: join(folder, 'hub') } });
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/models--a--b: lies in the hub's cache\. Give another --out\.\n$/),
  ]);
});

it('a recipe without a validation text trains, measures nothing and says so', async () => {
  const files = recipeFiles({ validation: undefined, steps: 3 });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const words = ['train', 'recipe.json', '--out', 'trained', '--backend', 'reference'];
  const { code, stdout, stderr } = await inProcess(words, { cwd: folder });
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^trained: trained, of the weights as stored/m);
  const document = JSON.parse(readFileSync(join(folder, 'trained', 'training', 'training.json'), 'utf8')) as object;
  expect(document).toMatchObject({ convention: null, figures: {}, measured: [] });
});
