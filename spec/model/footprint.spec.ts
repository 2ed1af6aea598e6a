import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { blockFootprint, footprint } from '../../src/model/footprint.ts';
import { Mask } from '../../src/model/mask.ts';
import { walkOf } from '../../src/model/walk.ts';
import { someFamily, someSequences } from './modelArbitraries.ts';
import { onReference, onSimd } from './namedBackends.ts';
import { families, tinySource, tinyTransformer } from './tinyTransformer.ts';
import { watchOps } from './watchOps.ts';

const LAYERS = 2;

for (const { name: on, missing, open } of [onReference, onSimd('plain', 1)]) {
  describe.skipIf(missing)(`what a block holds on ${on}`, () => {
    let inner: Backend;
    beforeAll(async () => {
      inner = await open();
    });
    afterAll(() => inner.dispose());

    test.prop([someFamily, someSequences(), fc.nat(2 * LAYERS - 1)], { numRuns: 25 })(
      'is at most its footprint, and not much less',
      async (family, ids, some) => {
        let peak = 0;
        // The memory in use just before the next op, and after the last one.
        const backend = watchOps(inner, () => (peak = Math.max(peak, inner.bytesInUse())));
        const { model } = await tinyTransformer({ family, layers: LAYERS, backend });
        const block = walkOf(model.config)[some];
        const x = await model.embed(ids);
        // The block's weights and the rotary table are there from the first run on.
        backend.free(await model.block(block, x, ids[0].length));
        const held = inner.bytesInUse();
        peak = 0;
        let after = 0;
        const y = await model.block(block, x, ids[0].length, {
          block: () => void (after = inner.bytesInUse()),
        });
        const most = Math.max(peak, after) - held;
        const estimate = blockFootprint(model.config, block).bytesPerRow * x.rows;
        expect(most).toBeLessThanOrEqual(on === 'reference' ? estimate : estimate + 12 * 64);
        expect(most).toBeGreaterThan(0.9 * estimate);
        for (const stream of [x, y]) inner.free(stream);
        model.free();
        expect(inner.bytesInUse()).toBe(0);
      },
    );
  });
}

describe('a footprint', () => {
  it.each(families)(
    '%s: is that of the heaviest block, and its widest row that of the largest result',
    async (family) => {
      const backend = referenceBackend();
      const { model } = await tinyTransformer({ family, layers: LAYERS, backend });
      const { config } = model;
      const blocks = walkOf(config).map((id) => blockFootprint(config, id));
      const whole = footprint(config);
      expect(whole.bytesPerRow).toBe(Math.max(...blocks.map(({ bytesPerRow }) => bytesPerRow)));
      const widths: number[] = [];
      const ids = [Int32Array.of(1, 2, 3)];
      await model.walk(ids, Mask.empty, {
        input: (name, { cols }) => void widths.push(cols, model.source.tensors.get(name)?.shape[0] ?? 0),
      });
      // Between two projections no op makes a wider row.
      expect(whole.widestRow).toBe(Math.max(config.hiddenSize, ...widths));
      model.free();
    },
  );

  it('is that of the widest layer where layers differ, and of a row where there is no block', async () => {
    const { config } = await tinySource({ layers: 2 });
    const [first, second] = config.layers;
    const narrow = { mha: null, mlp: { intermediateSize: 5 } };
    const wide = { mha: null, mlp: { intermediateSize: 90 } };
    // Norm, output and sum of C = 16; gate, up and their product of F.
    expect(footprint({ ...config, layers: [narrow, wide] })).toEqual({
      bytesPerRow: 4 * (3 * 16 + 3 * 90),
      widestRow: 90,
    });
    expect(footprint({ ...config, layers: [wide, narrow] }).widestRow).toBe(90);
    expect(footprint({ ...config, layers: [narrow] })).toEqual({ bytesPerRow: 4 * (3 * 16 + 3 * 5), widestRow: 16 });
    expect(footprint({ ...config, layers: [{ ...first, mlp: null }, second] })).toEqual(footprint(config));
    expect(footprint({ ...config, layers: [] })).toEqual({ bytesPerRow: 0, widestRow: 16 });
  });
});
