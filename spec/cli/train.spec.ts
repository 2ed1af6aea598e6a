/** Training and healing from the command line: the same bytes after a kill, models that open. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockpruner } from './command.ts';
import { recipeFiles } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-train-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

for (const [name, content] of Object.entries(recipeFiles())) writeFileSync(at(name), content);

const trainInto = (out: string, ...rest: string[]): string[] => {
  return ['train', at('recipe.json'), '--out', at(out), '--threads', '1', '--checkpoint', '7', ...rest];
};
const weightsOf = (out: string): Buffer => readFileSync(join(at(out), 'model.safetensors'));

describe('train', () => {
  beforeAll(async () => {
    const { code, stderr, stdout } = await blockpruner(trainInto('model', '--json'));
    expect(code, stderr).toBe(0);
    const document = JSON.parse(stdout) as {
      schema: string;
      figures: { loss: number };
      measured: { step: number; loss: number }[];
    };
    expect(document.schema).toBe('blockpruner.training/1');
    // A text of two sentences is learned; every letter alike would be ln 13 = 2.56.
    expect(document.figures.loss).toBeLessThan(0.5 * document.measured[0].loss);
  });

  it('leaves a model that the other commands run', async () => {
    const { code, stdout } = await blockpruner([
      'perplexity',
      at('model'),
      '--data',
      at('text.txt'),
      '--bos',
      'none',
      '--quiet',
    ]);
    expect(code).toBe(0);
    expect(Number(/perplexity ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(4);
    expect(readFileSync(join(at('model'), 'training', 'loss.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  });

  it('killed and started again, on other threads, writes the same bytes', async () => {
    await blockpruner(trainInto('killed'), { killAt: /step 10:/ });
    expect(existsSync(join(at('killed'), 'model.safetensors'))).toBe(false);
    const { code, stderr } = await blockpruner([...trainInto('killed').slice(0, -4), '--threads', '2']);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/resuming after step \d+/);
    expect(weightsOf('killed').equals(weightsOf('model'))).toBe(true);
    const steps = readFileSync(join(at('killed'), 'training', 'log.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    const logged = steps.map((line) => JSON.parse(line) as { type: string; step: number });
    expect(logged.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
  });

  it('does not go on from another recipe', async () => {
    writeFileSync(at('other.json'), recipeFiles({ seed: 2 })['recipe.json']);
    const other = await blockpruner(['train', at('other.json'), '--out', at('model')]);
    expect([other.code, other.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: .*checkpoint\.safetensors: belongs to a run with another recipe/m),
    ]);
  });
});

describe('heal', () => {
  it('brings back some of what pruning lost, and leaves a model that needs no mask', async () => {
    mkdirSync(at('run'));
    writeFileSync(join(at('run'), 'del_order_list.json'), '{"1": [["mlp", 1]], "2": [["mha", 1], ["mlp", 1]]}');
    const args = [
      'heal',
      at('model'),
      '--run',
      at('run'),
      '--step',
      '1',
      '--data',
      at('text.txt'),
      '--valid',
      at('text.txt'),
    ];
    const settings = [
      '--bos',
      'none',
      '--steps',
      '30',
      '--lr',
      '0.01',
      '--rank',
      '4',
      '--seq-len',
      '16',
      '--threads',
      '1',
    ];
    const { code, stdout, stderr } = await blockpruner([...args, ...settings, '--json']);
    expect(code, stderr).toBe(0);
    const found = JSON.parse(stdout) as { mask: string } & Record<'dense' | 'pruned' | 'healed', { ppl: number }>;
    expect(found.mask).toBe('L1.mlp');
    expect(found.pruned.ppl).toBeGreaterThan(found.dense.ppl);
    expect(found.healed.ppl).toBeLessThan((found.pruned.ppl + found.dense.ppl) / 2);
    const healed = join(at('run'), 'healed');
    const measure = ['perplexity', healed, '--data', at('text.txt'), '--bos', 'none', '--json', '--quiet'];
    const without = JSON.parse((await blockpruner(measure)).stdout) as { ppl: number };
    const masked = JSON.parse(
      (await blockpruner([...measure, '--mask', join(healed, 'del_order_list.json')])).stdout,
    ) as { ppl: number };
    expect(without.ppl).toBe(masked.ppl);
    expect(masked.ppl).toBeCloseTo(found.healed.ppl, 4);
  });
});
