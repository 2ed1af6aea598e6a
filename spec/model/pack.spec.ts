import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatBlock } from '../../src/model/blockId.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { packEdit, packLayers } from '../../src/model/pack.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { seeds } from '../arbitraries.ts';
import { someFamily } from './modelArbitraries.ts';
import { tinySource } from './tinyTransformer.ts';

const spec = { mha: { heads: 2, kvHeads: 1, window: null }, mlp: { intermediateSize: 3 } };
const layers = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 12 }).map((pairs) => ({
  layers: pairs.map(([mha, mlp]) => ({ mha: mha ? spec.mha : null, mlp: mlp ? spec.mlp : null })),
}));

describe('packLayers', () => {
  test.prop([layers])('keeps every block, in its order', (model) => {
    const blocks = packLayers(model).flatMap(({ mha, mlp }) => [
      ...(mha === null ? [] : [formatBlock({ layer: mha, kind: 'mha' })]),
      ...(mlp === null ? [] : [formatBlock({ layer: mlp, kind: 'mlp' })]),
    ]);
    expect(blocks).toEqual(walkOf(model).map(formatBlock));
  });

  test.prop([layers])('makes as few layers as there can be', (model) => {
    // Every attention begins a layer, and so does every MLP that no attention stands right before.
    const walk = walkOf(model);
    const beginning = walk.filter(({ kind }, at) => kind === 'mha' || walk.at(at - 1)?.kind !== 'mha' || at === 0);
    expect(packLayers(model)).toHaveLength(beginning.length);
  });

  it('joins an attention and the next MLP of another layer', () => {
    const { mha, mlp } = spec;
    const pruned = [
      { mha, mlp },
      { mha, mlp: null },
      { mha: null, mlp },
      { mha: null, mlp },
    ];
    expect(packLayers({ layers: pruned })).toEqual([
      { mha: 0, mlp: 0 },
      { mha: 1, mlp: 2 },
      { mha: null, mlp: 3 },
    ]);
  });
});

describe('a packed model', () => {
  test.prop([someFamily, seeds, fc.integer({ min: 0, max: 63 })], { numRuns: 20 })(
    'computes what the pruned one does, to the last bit',
    async (family, seed, bits) => {
      const source = await tinySource({ family, seed, layers: 3 });
      const mask = Mask.of(walkOf(source.config).filter((_, at) => (bits >> at) & 1));
      const pruned = edited(source, [{ type: 'remove', blocks: mask.blocks }]);
      const packed = edited(pruned, [packEdit(pruned.config)]);
      const ids = [Int32Array.of(1, 2, 0, 3, 1)];
      const nll = async (model: typeof source, own: Mask): Promise<Float32Array[]> =>
        (await Transformer.load(model, referenceBackend(), 2 ** 24)).nll(ids, own);
      expect(await nll(packed, Mask.empty)).toEqual(await nll(source, mask));
    },
  );
});
