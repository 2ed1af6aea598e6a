import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { Mask } from '../../../src/model/mask.ts';
import { candidatesLeft, pruneKinds } from '../../../src/prune/candidates.ts';
import { abandon } from '../../../src/prune/mapEvents.ts';
import { sweep } from '../../../src/prune/pricing/sweep.ts';
import { seeds } from '../../arbitraries.ts';
import { layersOf } from '../../model/layers.ts';
import { families, tinyTransformer } from '../../model/tinyTransformer.ts';
import { keeping } from './keeping.ts';
import { drain, reference, simdBackends, tinyChunks } from '../tinySearch.ts';

const layers = 4;

/**
 * A search that removes any candidate in each step, not the best one; some steps price only some
 * of the candidates.
 */
const someStory = fc.record({
  family: fc.constantFrom(...families),
  seed: seeds,
  kind: fc.constantFrom(...pruneKinds),
  count: fc.integer({ min: 1, max: 2 }),
  chunk: fc.integer({ min: 2, max: 9 }),
  /** Streams that the checkpoints may hold; a walk has up to nine at once. */
  room: fc.constantFrom(0, 3, 10, 30, 200),
  picks: fc.array(fc.record({ pick: fc.nat(), priced: fc.constantFrom(1, 1, 0.5) }), { minLength: 2, maxLength: 5 }),
});

for (const { name, make } of [reference, ...simdBackends(1)]) {
  describe(`checkpoints on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await make();
    });
    afterAll(() => backend.dispose());

    test.prop([someStory], { numRuns: 25 })(
      'change no bit from step to step, keep to their budget, and leave nothing behind',
      async ({ family, seed, kind, count, chunk, room, picks }) => {
        const { model } = await tinyTransformer({ family, layers, seed, backend });
        const { ids } = tinyChunks(seed, count, chunk);
        // Makes the RoPE table and packs the weights, which stay.
        await model.nll(ids, Mask.empty);
        const before = backend.bytesInUse();
        const budget = room * count * chunk * model.config.hiddenSize * 4;
        const kept = keeping(backend, budget);
        const { checkpoints } = kept;
        let mask = Mask.empty;
        for (const { pick, priced } of picks) {
          const left = candidatesLeft(kind, layersOf(layers), mask);
          if (left.length === 0) break;
          const candidates = left.slice(0, Math.ceil(left.length * priced));
          const plain = await drain(sweep(model, ids, mask, candidates));
          const found = await drain(sweep(model, ids, mask, candidates, kept));
          expect(found.result.base).toEqual(plain.result.base);
          expect(found.result.candidates).toEqual(plain.result.candidates);
          expect(found.result.passes).toBeLessThanOrEqual(plain.result.passes);
          expect(found.events.at(-1)?.passes ?? 0).toBe(found.result.passes);
          expect(checkpoints.bytes).toBeLessThanOrEqual(budget);
          mask = mask.with(left[pick % left.length].blocks);
        }
        checkpoints.free();
        expect(backend.bytesInUse()).toBe(before);
        model.free();
        expect(backend.bytesInUse()).toBe(0);
      },
    );
  });
}

describe('checkpoints with room for all states', () => {
  it('leave only what comes from the removed block on to be walked', async () => {
    const backend = await reference.make();
    const { model } = await tinyTransformer({ family: 'llama', layers, seed: 1, backend });
    const { ids } = tinyChunks(1, 1, 5);
    const kept = keeping(backend, 2 ** 20);
    const { checkpoints } = kept;
    const first = await drain(sweep(model, ids, Mask.empty, candidatesLeft('mix', layersOf(layers), Mask.empty), kept));
    // All eight blocks, each with the streams forked before it: 1 + 2 + … + 8.
    expect(first.result.passes).toBe(36);

    const mask = Mask.parse('L3.mha', layersOf(layers));
    const second = await drain(sweep(model, ids, mask, candidatesLeft('mix', layersOf(layers), mask), kept));
    // Six streams were forked before L3.mha; with the base they pass L3.mlp. From the start they
    // would pass 1 + 2 + … + 6 more.
    expect(second.result.passes).toBe(7);

    // An early removal makes every later state useless.
    const early = Mask.parse('L3.mha,L0.mha', layersOf(layers));
    const third = await drain(sweep(model, ids, early, candidatesLeft('mix', layersOf(layers), early), kept));
    expect(third.result.passes).toBe(21);
    checkpoints.free();
    model.free();
    expect(backend.bytesInUse()).toBe(0);
  });

  it('survive an abandoned walk', async () => {
    const backend = await reference.make();
    const { model } = await tinyTransformer({ family: 'gpt2', layers, seed: 2, backend });
    const { ids } = tinyChunks(2, 1, 5);
    const kept = keeping(backend, 2 ** 20);
    const { checkpoints } = kept;
    const candidates = candidatesLeft('mix', layersOf(layers), Mask.empty);
    const walk = sweep(model, ids, Mask.empty, candidates, kept);
    for (let block = 0; block < 5; block++) await walk.next();
    await abandon(walk);
    const plain = await drain(sweep(model, ids, Mask.empty, candidates));
    const again = await drain(sweep(model, ids, Mask.empty, candidates, kept));
    expect(again.result.candidates).toEqual(plain.result.candidates);
    expect(again.result.passes).toBeLessThan(plain.result.passes);
    checkpoints.free();
    model.free();
    expect(backend.bytesInUse()).toBe(0);
  });
});
