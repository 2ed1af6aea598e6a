/**
 * Measures what `perplexityNoise` promises: how far a backend's perplexities lie from the exact
 * ones, over the dense model and all single removals. For SIMD, exact is the reference; for the
 * reference it is PyTorch in f64 on the golden models.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import type { Chunks } from '../../src/eval/chunks.ts';
import { aggregate, perplexity, scoreChunk } from '../../src/eval/perplexity.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { candidatesLeft } from '../../src/prune/candidates.ts';
import { sweep } from '../../src/prune/pricing/sweep.ts';
import { families, tinySource } from '../model/tinyTransformer.ts';
import { hasShared, sharedPath } from '../shared.ts';
import { drain, reference, simdBackends, tinyChunks } from './tinySearch.ts';

/** Perplexities of the dense model and of each candidate. */
async function allPerplexities(source: WeightSource, backend: Backend, chunks: Chunks): Promise<number[]> {
  const model = await Transformer.load(source, backend, 2 ** 22);
  const candidates = candidatesLeft('mix', source.config, Mask.empty);
  const { result } = await drain(sweep(model, chunks.ids, Mask.empty, candidates));
  model.free();
  return [result.base, ...result.candidates].map((rows) => {
    return aggregate(
      chunks,
      rows.map((nll, index) => scoreChunk(chunks, index, nll)),
    ).ppl;
  });
}

const largest = (found: readonly number[], exact: readonly number[]): number =>
  Math.max(...found.map((ppl, index) => Math.abs(ppl - exact[index]) / exact[index]));

const simd: { name: string; backend: Backend }[] = [];
beforeAll(async () => {
  for (const { name, make } of simdBackends(1)) simd.push({ name, backend: await make() });
});
afterAll(async () => {
  for (const { backend } of simd) await backend.dispose();
});

/** Checks one model on every SIMD variant and returns the largest error met. */
async function expectCovered(source: WeightSource, chunks: Chunks): Promise<number> {
  const exact = await allPerplexities(source, await reference.make(), chunks);
  let worst = 0;
  for (const { name, backend } of simd) {
    const error = largest(await allPerplexities(source, backend, chunks), exact);
    expect(error, name).toBeLessThan(backend.perplexityNoise);
    worst = Math.max(worst, error);
  }
  return worst;
}

it.each(families)(
  'perplexityNoise of SIMD covers tiny models of family %s, and not by far too much',
  async (family) => {
    const errors = [];
    for (const seed of [1, 2, 3, 4]) {
      errors.push(await expectCovered(await tinySource({ family, layers: 4, seed }), tinyChunks(seed, 3, 16)));
    }
    // Noise put too high would call every other step a tie.
    for (const { backend } of simd) expect(100 * Math.max(...errors)).toBeGreaterThan(backend.perplexityNoise);
  },
);

interface Golden {
  ids: number[][];
  ppl: number;
  masked: Record<string, { ppl: number }>;
}

const goldenNames = [
  'llama',
  'llama-linear-rope',
  'llama-rope3',
  'llama-tied-bias',
  'mistral-swa',
  'qwen2',
  'qwen3',
  'qwen3-tied',
  'gpt2',
];

describe.skipIf(!hasShared)(`golden models${hasShared ? '' : ' (the golden data are not here)'}`, () => {
  it.each(goldenNames)('%s: perplexityNoise covers the reference and SIMD', async (name) => {
    const folder = sharedPath('golden', 'hf', name);
    const { ids, ppl, masked } = JSON.parse(await readFile(`${folder}/golden.json`, 'utf8')) as Golden;
    const opened = await openModel(folder);
    const chunks = { ...tinyChunks(1, 0, ids[0].length), ids: ids.map((row) => Int32Array.from(row)) };
    const model = await Transformer.load(opened.weights, await reference.make(), 2 ** 22);
    const exact: number[] = [];
    const found: number[] = [];
    for (const [mask, golden] of [['', { ppl }], ...Object.entries(masked)] as const) {
      exact.push(golden.ppl);
      found.push((await perplexity(model, chunks, Mask.parse(mask, model.config))).ppl);
    }
    expect(largest(found, exact)).toBeLessThan(model.backend.perplexityNoise);
    await expectCovered(opened.weights, chunks);
    await opened.close();
  });
});
