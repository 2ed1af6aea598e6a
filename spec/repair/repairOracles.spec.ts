/** Repairs whose result is known beforehand, and the same repair on every backend. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { aggregate } from '../../src/eval/perplexity.ts';
import type { BlockKind } from '../../src/model/blockId.ts';
import { blockTensorNames } from '../../src/model/blockTensors.ts';
import { edited, type RewriteEdit } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { defaultRepair, type RepairSettings } from '../../src/repair/repair.ts';
import { seeds } from '../arbitraries.ts';
import { families } from '../model/tinyTransformer.ts';
import { unevenSource } from '../model/unevenModel.ts';
import { outputTensorNames } from '../../src/model/tensorNames.ts';
import { reference, simdBackends, tinyChunks } from '../prune/tinySearch.ts';
import { repairOf, scoresOf, someCase, someSettings, valuesOf } from './tinyRepair.ts';

const refit = (factor: number): RepairSettings => ({ ...defaultRepair, factors: [factor] });

/** A source whose tensors are other tensors of it, or zero. */
function rewritten(
  source: WeightSource,
  names: readonly (readonly [tensor: string, from: string | null])[],
): WeightSource {
  const edits = names.map(([tensor, from]): RewriteEdit => {
    const values = async (old: WeightSource): Promise<Float32Array> => {
      return from === null ? (await old.tensor(tensor)).fill(0) : old.tensor(from);
    };
    return { type: 'rewrite', tensor, values };
  });
  return edited(source, edits);
}

/**
 * Two blocks of a kind, one after the other. The first writes nothing, so both see the same stream;
 * their inner matrices are the same. So the second adds a linear function of the first one's inner
 * activations: what its removal takes away, the first one's output matrix can give back.
 */
function spanned(family: (typeof families)[number], kind: BlockKind, seed: number): WeightSource {
  const layer = { mha: kind === 'mha', width: kind === 'mlp' ? 24 : null };
  const source = unevenSource({ family, seed, layers: [layer, layer, { mha: true, width: 8 }] });
  const { config } = source;
  const first = { layer: 0, kind };
  const second = { layer: 1, kind };
  const output = new Set([outputTensorNames(config, second).weight, outputTensorNames(config, second).bias]);
  const firsts = blockTensorNames(config, first);
  return rewritten(source, [
    ...blockTensorNames(config, second).flatMap((name, at) => (output.has(name) ? [] : [[name, firsts[at]] as const])),
    ...Object.values(outputTensorNames(config, first)).flatMap((name) =>
      typeof name === 'string' ? [[name, null] as const] : [],
    ),
  ]);
}

describe.each(families)('%s: a removed block whose output lies in the span of A', (family) => {
  test.prop([seeds, fc.constantFrom<BlockKind>('mha', 'mlp')], { numRuns: 8 })('is recovered', async (seed, kind) => {
    const source = spanned(family, kind, seed);
    const mask = Mask.of([{ layer: 1, kind }]);
    const chunks = tinyChunks(seed, 24, 12);
    const { result } = await repairOf({ source, mask, chunks }, { settings: refit(1e-7) });
    const pruned = aggregate(chunks, [...(await scoresOf(source, mask, chunks))]);
    const [dense, repaired] = [result.dense, result.repaired].map((scores) => aggregate(chunks, scores));
    expect(Math.abs(repaired.nll - dense.nll)).toBeLessThan(1e-4);
    expect(Math.abs(repaired.nll - dense.nll)).toBeLessThan(0.01 * Math.abs(pruned.nll - dense.nll) + 1e-5);
    const [{ error, heldOut }] = result.fits;
    expect(error?.after).toBeLessThan(1e-6 * (error?.before ?? 0));
    expect(heldOut?.after).toBeLessThan(1e-5 * (heldOut?.before ?? 0));
  });
});

test.prop([someCase, someSettings], { numRuns: 30 })(
  'removed blocks that write nothing need no correction',
  async (one, settings) => {
    const names = one.mask.blocks.flatMap((block) => Object.values(outputTensorNames(one.source.config, block)));
    const source = rewritten(
      one.source,
      names.flatMap((name) => (typeof name === 'string' ? [[name, null] as const] : [])),
    );
    const { result } = await repairOf({ ...one, source }, { settings });
    expect(result.edits).toEqual([]);
    expect(result.repaired).toEqual(result.dense);
    for (const { factor, error } of result.fits) expect([factor, error]).toEqual([null, { before: 0, after: 0 }]);
  },
);

test.prop([someCase], { numRuns: 30 })(
  'on the rows of the first fit, refit leaves no more than ReplaceMe, and ReplaceMe no more than nothing',
  async (one) => {
    // All rows are fitted: none are held out of one chunk.
    const single = { ...one, chunks: tinyChunks(one.chunks.ids.length, 1, 40) };
    const after = async (form: 'refit' | 'replaceme'): Promise<{ before: number; after: number }> => {
      const { result } = await repairOf(single, { settings: { form, scope: 'all', factors: [1e-5] } });
      return result.fits.at(0)?.error ?? { before: 0, after: 0 };
    };
    const [all, some] = [await after('refit'), await after('replaceme')];
    expect(all.before).toBe(some.before);
    expect(some.after).toBeLessThanOrEqual(some.before);
    expect(all.after).toBeLessThanOrEqual(some.after + 1e-3 * some.before);
  },
);

describe('on simd', async () => {
  const variants = simdBackends(1).map(({ name }, at) => ({
    name,
    one: simdBackends(1)[at],
    two: simdBackends(2)[at],
  }));

  it.each(variants)('$name: threads change no bit', async ({ one, two }) => {
    const [single, double] = [await one.make(), await two.make()];
    await fc.assert(
      fc.asyncProperty(someCase, someSettings, async (drawn, settings) => {
        const first = await repairOf(drawn, { settings, backend: single });
        const second = await repairOf(drawn, { settings, backend: double });
        expect(second.result.fits).toEqual(first.result.fits);
        expect(await valuesOf(drawn.source, second.result.edits)).toEqual(
          await valuesOf(drawn.source, first.result.edits),
        );
        expect([second.result.dense, second.result.repaired]).toEqual([first.result.dense, first.result.repaired]);
        expect([single.bytesInUse(), double.bytesInUse()]).toEqual([0, 0]);
        // What it says of the edited model is what the plain evaluator says on this backend.
        const view = edited(drawn.source, first.result.edits);
        expect(first.result.repaired).toEqual(await scoresOf(view, drawn.mask, drawn.chunks, single));
      }),
      { numRuns: 12 },
    );
    await Promise.all([single.dispose(), double.dispose()]);
  });

  it.each(variants)('$name: the repaired losses are those of the reference', async ({ one }) => {
    const [simd, plain] = [await one.make(), await reference.make()];
    await fc.assert(
      fc.asyncProperty(someCase, async (drawn) => {
        const settings = refit(0.3);
        const [fast, slow] = [
          await repairOf(drawn, { settings, backend: simd }),
          await repairOf(drawn, { settings, backend: plain }),
        ];
        const kept = (result: typeof fast): (boolean | string)[] => result.result.fits.map((fit) => fit.kept === null);
        // A gain that is no more than rounding may count on one and not on the other.
        fc.pre(String(kept(fast)) === String(kept(slow)));
        const nll = ({ result }: typeof fast): number => aggregate(drawn.chunks, result.repaired).nll;
        expect(Math.abs(nll(fast) - nll(slow))).toBeLessThan(1e-3);
      }),
      { numRuns: 12 },
    );
    await simd.dispose();
  });
});
