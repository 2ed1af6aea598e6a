/**
 * A real model against the official search's own figures (PyTorch, fp32). The whole search is
 * reproduced by `prune … --tokens 128 --chunk 128 --blocks 3 --nll-sum f32`, which takes minutes;
 * here, the model as it is, the picks of all steps, and candidates of the first step from the best
 * to the worst.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { sharedPath } from '../shared.ts';

interface Official {
  chunk: number;
  dense: { ppl: number };
  steps: { removed: string; ppl: number; candidates: { block: string; ppl: number }[] }[];
}

const file = sharedPath('models', 'smollm2-135m-instruct-q4_1.gguf');
const read = (name: string): unknown => JSON.parse(readFileSync(sharedPath('golden', 'smollm2', name), 'utf8'));

describe.skipIf(!existsSync(file))('SmolLM2-135M against the official search (skipped without the model)', () => {
  it('dense, the picks of every step and every seventh candidate are within 2e-5', async () => {
    const official = read('official-1x128.json') as Official;
    const ids = Int32Array.from(read('wikitext2-valid-first4096.ids.json') as number[]).subarray(0, official.chunk);
    const opened = await openModel(file);
    const backend = await simdBackend({ memoryBytes: 2 ** 30, threads: 2, spawn: nodeSpawnWorker });
    const model = await Transformer.load(opened.weights, backend, 700 * 2 ** 20, 'f32');
    const layers = model.config;

    const expected: [string, number][] = [['', official.dense.ppl]];
    for (const [index, { ppl }] of official.steps.entries()) {
      const removed = official.steps.slice(0, index + 1).map((step) => step.removed);
      expected.push([removed.join(','), ppl]);
    }
    const ranked = official.steps[0].candidates.toSorted((a, b) => a.ppl - b.ppl);
    for (let rank = 0; rank < ranked.length; rank += 7) expected.push([ranked[rank].block, ranked[rank].ppl]);

    for (const [mask, ppl] of expected) {
      const [nll] = await model.nll([ids], Mask.parse(mask, layers));
      const found = Math.exp(nll.reduce((sum, value) => sum + value, 0) / nll.length);
      expect(Math.abs(found / ppl - 1), mask).toBeLessThan(2e-5);
    }
    model.free();
    await backend.dispose();
    await opened.close();
  });
});
