/** What removing blocks gains: sizes, tokens a second, memory. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { edited } from '../../src/model/edit.ts';
import { countParameters } from '../../src/model/parameters.ts';
import { decodeSpeed, modelSize } from '../../src/prune/gains.ts';
import { Mask } from '../../src/model/mask.ts';
import { run } from '../../src/prune/run.ts';
import { seeds } from '../arbitraries.ts';
import { someFamily, someMask } from '../model/modelArbitraries.ts';
import { tinySource, tinyTransformer, TINY_CONTEXT } from '../model/tinyTransformer.ts';
import { finish, lasting, repairRun } from './repair/repairRun.ts';
import { tinyRun } from './tinyRun.ts';
import { drain } from './tinySearch.ts';

const LAYERS = 2;

describe('a size', () => {
  test.prop([someFamily, someMask(LAYERS), seeds, fc.boolean()], { numRuns: 30 })(
    'is that of the model from which the blocks were cut',
    async (family, mask, seed, tied) => {
      const source = await tinySource({ family, layers: LAYERS, seed, config: { tie_word_embeddings: tied } });
      const { parameters, bytes } = modelSize(source, mask);
      const cut = mask.size === 0 ? source : edited(source, [{ type: 'remove', blocks: mask.blocks }]);
      const stored = (of: typeof source): number => [...of.tensors.values()].reduce((sum, info) => sum + info.bytes, 0);
      expect(parameters).toEqual({ dense: countParameters(source).total, pruned: countParameters(cut).total });
      expect(bytes).toEqual({ dense: stored(source), pruned: stored(cut) });
    },
  );
});

describe('the speed of decoding', () => {
  it('is of both models, and leaves nothing on the backend', async () => {
    const { model } = await tinyTransformer({ layers: LAYERS });
    const text = Int32Array.of(3, 1, 4, 1, 5, 9, 2, 6, 5, 3);
    await decodeSpeed(model, text, Mask.empty);
    const held = model.backend.bytesInUse();
    const found = await decodeSpeed(model, text, Mask.parse('L0.mha,L1.mlp', model.config));
    expect(found).toMatchObject({ tokens: 16 });
    expect(found?.rounds).toBeGreaterThan(0);
    expect(found?.dense).toBeGreaterThan(0);
    expect(found?.pruned).toBeGreaterThan(0);
    expect(model.backend.bytesInUse()).toBe(held);
  });

  it('takes fewer tokens where the context is short, and none where it is full', async () => {
    for (const [context, tokens] of [
      [TINY_CONTEXT, 16],
      [12, 4],
      [9, 1],
      [8, null],
    ] as const) {
      const { model } = await tinyTransformer({ layers: 1, config: { max_position_embeddings: context } });
      const found = await decodeSpeed(model, new Int32Array(20).fill(1), Mask.empty);
      expect(found?.tokens ?? null).toBe(tokens);
    }
  });
});

describe('a run', () => {
  it('states its size always, and speed and memory where they are asked for', async () => {
    const { options } = await tinyRun(undefined, { stop: { blocks: 2 } });
    const { result } = await drain(run(options));
    const mask = Mask.parse(result.removed.join(','), options.model.config);
    expect(result.size).toEqual(modelSize(options.model.source, mask));
    expect(result).not.toHaveProperty('decode');
    expect(result).not.toHaveProperty('memory');
    const more = await tinyRun(undefined, { stop: { blocks: 2 }, decode: true, peakBytes: () => 12_345 });
    const found = (await drain(run(more.options))).result;
    expect(found.decode?.tokens).toBe(16);
    expect(found.memory).toEqual({ peakBytes: 12_345 });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  it('measures the speed of a result once: a resumed run has it from its journal', async () => {
    const first = await repairRun(null, { decode: true });
    const { result } = await finish(first);
    const again = await repairRun(null, { decode: true }, { lines: first.sink.all });
    const second = await finish(again);
    expect(lasting(second.result)).toEqual(lasting(result));
    expect(second.result.decode).toEqual(result.decode);
    expect(again.sink.all).toEqual(first.sink.all);
    const further = await repairRun(null, { decode: true, stop: { blocks: 3 } }, { lines: first.sink.all });
    const more = (await finish(further)).result;
    expect(more.size?.bytes.pruned).toBeLessThan(result.size?.bytes.pruned ?? 0);
    expect(more.decode).not.toEqual(result.decode);
  });
});
