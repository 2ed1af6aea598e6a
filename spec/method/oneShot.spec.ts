import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { perplexity } from '../../src/eval/perplexity.ts';
import { Mask } from '../../src/model/mask.ts';
import { candidatesLeft, pruneKinds } from '../../src/prune/candidates.ts';
import { blockpruner } from '../../src/prune/methods/blockpruner.ts';
import { oneShot } from '../../src/prune/methods/oneShot.ts';
import { cancelling, poke } from '../model/nonFiniteModels.ts';
import { layersOf } from '../model/layers.ts';
import { tinyChunks } from '../prune/tinySearch.ts';
import { budgets } from '../prune/tinyRun.ts';
import { finish, methodRun, resultOf, scoresOf } from './tinyMethod.ts';

test.prop([fc.constantFrom(...pruneKinds), fc.nat(99), fc.constantFrom(...budgets)], { numRuns: 12 })(
  'a score is the perplexity without that candidate alone, to the last bit and in any memory',
  async (kind, seed, activationBytes) => {
    const more = { kind, activationBytes, chunks: tinyChunks(seed, 3, 8) };
    const { options } = await methodRun(oneShot, more, { seed });
    const { model, chunks } = options;
    const found = scoresOf(await finish(options));
    for (const { name, blocks } of candidatesLeft(kind, layersOf(3), Mask.empty)) {
      expect(found[name]).toBe((await perplexity(model, chunks, Mask.of(blocks))).ppl);
    }
  },
);

test.prop([fc.constantFrom(...pruneKinds), fc.nat(99)], { numRuns: 12 })(
  "the first removal is BlockPruner's, with the same figures",
  async (kind, seed) => {
    const stop = { blocks: kind === 'layer' ? 2 : 1 };
    const [once, again] = await Promise.all(
      [oneShot, blockpruner].map((method) => resultOf(method, { kind, stop }, { seed })),
    );
    expect(once.removed).toEqual(again.removed);
    expect(once.steps[0].ppl).toBe(again.steps[0].ppl);
    // And its scores are what BlockPruner's first step measured.
    const measured = again.steps[0].candidates.map(({ block, ppl }) => [block, ppl]);
    expect(once.scores?.map(({ block, score }) => [block, score])).toEqual(measured);
  },
);

it('does not measure again: what goes second is the second of the first look', async () => {
  const { scores = [], removed } = await resultOf(oneShot, { stop: { blocks: 6 } });
  const ranked = scores.toSorted((a, b) => (a.score ?? 0) - (b.score ?? 0)).map(({ block }) => block);
  expect(removed).toEqual(ranked);
});

it('a candidate without a finite perplexity goes last, and is said to', async () => {
  const { scores, steps } = await resultOf(oneShot, { stop: { ratio: 0.99 } }, { ...cancelling, layers: 2 });
  expect(scores?.filter(({ status }) => status !== undefined)).toEqual([
    { block: 'L0.mlp', score: null, status: 'nan' },
  ]);
  expect(steps.slice(0, 3).map(({ removed }) => removed)).not.toContain('L0.mlp');
});

it('a whole model whose loss is not finite is refused, saying where', async () => {
  const edit = poke('model.layers.1.mlp.down_proj.weight', 5, NaN);
  await expect(resultOf(oneShot, {}, { edit })).rejects.toThrow(/loss of chunk 1 of 3 is NaN: in L1\.mlp/);
});
