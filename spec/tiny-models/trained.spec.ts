/**
 * The trained models: that files, recipes and goldens belong together, and that the engine computes
 * what they say.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { compileKernels } from '../../src/backends/simd/kernels.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import { loadRecipe } from '../../src/cli/trainingFiles.ts';
import { openModel, type OpenedModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { accuracy } from '../../tiny-models/sorter/task.ts';
import { engineTrace, firstDifference } from '../../tiny-models/trace.ts';
import { firstLosses, weightsHash, type TrainedGolden } from '../../tiny-models/trainedGolden.ts';
import { versesTokenizer } from '../../tiny-models/verses/tokenizer.ts';
import { reference, simdBackends } from '../prune/tinySearch.ts';
import { layersOf } from '../model/layers.ts';

const root = fileURLToPath(new URL('../../tiny-models', import.meta.url));
const trained = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['data', 'planted'].includes(entry.name))
  .map(({ name }) => name);

const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

it('there are some', () => expect(trained).toContain('sorter'));

describe.each(trained)('%s', (name) => {
  const folder = join(root, name);
  const golden = json(name, 'golden.json') as TrainedGolden;
  const files = readdirSync(folder);

  it('has all its files, and weights that fit into four megabytes', () => {
    const wanted = ['card.md', 'config.json', 'golden.json', 'model.safetensors', 'recipe.ts', 'tokenizer.json'];
    expect(files).toEqual(expect.arrayContaining(wanted));
    expect(readFileSync(join(folder, 'model.safetensors')).length).toBeLessThan(4e6);
    expect(weightsHash(folder)).toBe(golden.weights);
  });

  it('has the config and the tokenizer of its recipe', async () => {
    const { recipe } = await loadRecipe(join(folder, 'recipe.ts'));
    expect(json(name, 'config.json')).toEqual(recipe.config);
    expect(json(name, 'tokenizer.json')).toEqual(recipe.tokenizer);
  });

  it.runIf(name === 'verses')('has the vocabulary that its training text teaches', () => {
    expect(json(name, 'tokenizer.json')).toEqual(versesTokenizer());
  });

  it.each([1, 2])('its recipe begins with the same bits on %i threads', async (threads) => {
    const { recipe } = await loadRecipe(join(folder, 'recipe.ts'));
    const variant = recipe.kernels ?? 'plain';
    // An engine that does not know fused multiply-adds cannot make this model again.
    if (compileKernels(variant) === null) return;
    const backend = await simdGradientBackend({ memoryBytes: 2 ** 29, threads, spawn: nodeSpawnWorker, variant });
    expect(await firstLosses(folder, backend)).toEqual(golden.losses);
    await backend.dispose();
  });

  for (const { name: on, make } of [reference, ...simdBackends(2)]) {
    describe(on, () => {
      let backend: Backend;
      let opened: OpenedModel;
      let model: Transformer;
      beforeAll(async () => {
        backend = await make();
        opened = await openModel(folder);
        model = await Transformer.load(opened.weights, backend, 2 ** 30);
      });
      afterAll(async () => {
        model.free();
        await opened.close();
        await backend.dispose();
      });

      it('computes block by block what plain arithmetic does', async () => {
        const { ids, ...trace } = golden.trace;
        const found = await engineTrace(model, Int32Array.from(ids), Mask.empty);
        expect(firstDifference(found, trace)).toBeNull();
      });

      it.runIf(name === 'sorter')('sorts, and without its first attention does not', async () => {
        const problems = on === 'reference' ? 40 : 300;
        expect(await accuracy(model, Mask.empty, seededRng(3), problems)).toBeGreaterThanOrEqual(0.999);
        expect(await accuracy(model, Mask.parse('L0.mha', layersOf(4)), seededRng(3), problems)).toBeLessThan(0.5);
      });
    });
  }
});
