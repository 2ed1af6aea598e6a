import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { ShapeError } from '../../src/errors.ts';
import { mhaSpec } from '../../src/model/config.ts';
import { continueSequence } from '../../src/model/continueSequence.ts';
import { KvCache } from '../../src/model/kvCache.ts';
import { Mask } from '../../src/model/mask.ts';
import { forward } from './forward.ts';
import { someFamily, someMask, someSequences } from './modelArbitraries.ts';
import { onReference, onSimd } from './namedBackends.ts';
import { tinyTransformer } from './tinyTransformer.ts';

const LAYERS = 3;

for (const { name, missing, open } of [onReference, onSimd('relaxed-fma', 2), onSimd('plain', 1)]) {
  describe.skipIf(missing)(`KvCache on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await open();
    });
    afterAll(() => backend.dispose());

    test.prop(
      [
        someFamily,
        someMask(LAYERS),
        someSequences({ minLength: 1, maxLength: 20 }, 1),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 20, maxLength: 20 }),
      ],
      { numRuns: 40 },
    )('continuing a sequence piece by piece gives the logits of one full pass, bit for bit', async (...drawn) => {
      const [family, mask, ids, pieces] = drawn;
      const { model } = await tinyTransformer({ family, layers: LAYERS, backend });
      const want = await forward(model, ids, mask);
      const held = backend.bytesInUse();
      const cache = new KvCache(backend, model.config, mask, ids[0].length);
      for (const piece of pieces) {
        if (cache.length === ids[0].length) break;
        const next = ids[0].subarray(cache.length, cache.length + piece);
        const logits = await continueSequence(model, next, mask, cache);
        expect(logits).toEqual(want[cache.length - 1]);
      }
      expect(cache.length).toBe(ids[0].length);
      cache.free();
      expect(backend.bytesInUse()).toBe(held);
      model.free();
      expect(backend.bytesInUse()).toBe(0);
    });
  });
}

test.prop([someFamily, someMask(LAYERS), fc.integer({ min: 1, max: 30 })], { numRuns: 30 })(
  'has a slot for each surviving MHA, and no memory for the removed ones',
  async (family, mask, capacity) => {
    const backend = referenceBackend();
    const { model } = await tinyTransformer({ family, layers: LAYERS, backend });
    const before = backend.bytesInUse();
    const cache = new KvCache(backend, model.config, mask, capacity);
    const surviving = LAYERS - mask.blocks.filter(({ kind }) => kind === 'mha').length;
    const width = mhaSpec(model.config, 0).kvHeads * model.config.headDim;
    expect(cache.slots).toBe(surviving);
    expect(backend.bytesInUse() - before).toBe(surviving * 2 * capacity * width * 4);
    for (let layer = 0; layer < LAYERS; layer++) {
      if (mask.has({ layer, kind: 'mha' })) expect(() => cache.slot(layer)).toThrow(ShapeError);
      else expect(cache.slot(layer)).toBeDefined();
    }
    cache.free();
    expect(backend.bytesInUse()).toBe(before);
  },
);

it('refuses a sequence beyond its capacity', async () => {
  const { model } = await tinyTransformer();
  const cache = new KvCache(model.backend, model.config, Mask.empty, 3);
  await continueSequence(model, Int32Array.of(1, 2), Mask.empty, cache);
  await expect(continueSequence(model, Int32Array.of(3, 4), Mask.empty, cache)).rejects.toThrow(ShapeError);
});
