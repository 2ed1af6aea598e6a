/** A model that some blocks are gone from is pruned, trained and healed like any other. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { readParameters } from '../../src/autodiff/parameters.ts';
import { wholeTrainee } from '../../src/autodiff/trainee.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { JournalMismatchError } from '../../src/errors.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { formatBlock, type BlockId } from '../../src/model/blockId.ts';
import { configIdentity, type FamilyName } from '../../src/model/config.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { walkOf } from '../../src/model/walk.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { pruneKinds } from '../../src/prune/candidates.ts';
import { plainSearch } from '../../src/prune/plainSearch.ts';
import { renderReport } from '../../src/prune/report/report.ts';
import { healedParameters, healingTrainee } from '../../src/train/heal.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { gradientSums, lossRows, tinyBatch } from '../autodiff/tinyTrainee.ts';
import { someBlocks, someFamily } from '../model/modelArbitraries.ts';
import { tinySource } from '../model/tinyTransformer.ts';
import { documentOf, tinyRun } from './tinyRun.ts';
import { tinyChunks } from './tinySearch.ts';

const LAYERS = 3;
const runs = { numRuns: 8 };
const loaded = (source: WeightSource): Promise<Transformer> => Transformer.load(source, referenceBackend(), 2 ** 24);

/** At least two blocks stay. */
const someGone = someBlocks(LAYERS).map((blocks) => blocks.slice(0, 2 * LAYERS - 2));

async function cutAndWhole(family: FamilyName, gone: readonly BlockId[]): Promise<[WeightSource, WeightSource]> {
  const whole = await tinySource({ family, layers: LAYERS });
  return [edited(whole, [{ type: 'remove', blocks: gone }]), whole];
}

test.prop([someFamily, someGone, fc.constantFrom(...pruneKinds)], runs)(
  'the search on it finds what is left of the whole model under the mask',
  async (family, gone, kind) => {
    const [cut, whole] = await cutAndWhole(family, gone);
    const chunks = tinyChunks(2, 1, 8);
    const steps = await plainSearch(await loaded(cut), chunks, kind, 2);
    const model = await loaded(whole);
    let mask = Mask.of(gone);
    for (const { removed, prices } of steps) {
      for (const { candidate, ppl } of prices) {
        expect(ppl).toBe((await perplexity(model, chunks, mask.with(candidate.blocks))).ppl);
      }
      mask = mask.with(removed?.blocks ?? []);
    }
    if (kind === 'mix') expect(steps).toHaveLength(Math.min(2, 2 * LAYERS - gone.length));
  },
);

describe('a run over it', () => {
  const gone: BlockId[] = [
    { layer: 0, kind: 'mlp' },
    { layer: 1, kind: 'mha' },
  ];

  it('states in its document what the model did not have, and draws it', async () => {
    const { options } = await tinyRun();
    const model = await loaded(edited(options.model.source, [{ type: 'remove', blocks: gone }]));
    const result = await documentOf({ ...options, model, stop: { blocks: 2 } });
    expect(result.model).toMatchObject({ numHiddenLayers: 2, blocks: 2, absent: ['L0.mlp', 'L1.mha'] });
    expect(result.removed.toSorted()).toEqual(walkOf(model.config).map(formatBlock).toSorted());
    const page = renderReport({ ...result, seconds: 1 });
    expect(page).toContain('L0.mlp: not in the model');
    expect(page).not.toContain('L1.mha: kept');
    const whole = await documentOf((await tinyRun()).options);
    expect('absent' in whole.model).toBe(false);
  });

  it('does not go on with the journal of the whole model', async () => {
    const sink = memoryJournal();
    const { options } = await tinyRun(sink);
    await documentOf(options);
    const model = await loaded(edited(options.model.source, [{ type: 'remove', blocks: gone }]));
    expect(configIdentity(model.config)).not.toBe(configIdentity(options.model.config));
    await expect(documentOf({ ...options, model, sink: memoryJournal(sink.all), stop: { blocks: 2 } })).rejects.toThrow(
      JournalMismatchError,
    );
  });
});

test.prop([someFamily, someGone, fc.nat(9)], runs)(
  'its losses and gradients are those of the whole model under the mask, bit for bit',
  async (family, gone, seed) => {
    const [cut, whole] = await cutAndWhole(family, gone);
    const own = wholeTrainee(cut.config, await readParameters(cut));
    const masked = { ...wholeTrainee(whole.config, await readParameters(whole)), mask: Mask.of(gone) };
    const batch = tinyBatch(seed);
    expect(await lossRows(referenceBackend(), own, batch)).toEqual(await lossRows(referenceBackend(), masked, batch));
    const gradients = gradientSums(referenceBackend(), own, batch);
    const wanted = gradientSums(referenceBackend(), masked, batch);
    for (const [name, values] of gradients) expect(values, name).toEqual(wanted.get(name));
  },
);

test.prop([someFamily, someGone], runs)(
  'healing it adapts the blocks that are there and are not masked',
  async (family, gone) => {
    const [cut] = await cutAndWhole(family, gone);
    const [first] = walkOf(cut.config);
    const mask = Mask.of([first]);
    const parameters = await readParameters(cut);
    const trainee = healingTrainee(cut.config, parameters, mask, { rank: 2, alpha: 4 }, seededRng(1));
    const prefixes = walkOf(cut.config, mask).map(({ layer }) => `.${layer}.`);
    expect(trainee.trained.size).toBeGreaterThan(0);
    for (const name of trainee.trained) expect(prefixes.some((prefix) => name.includes(prefix))).toBe(true);
    expect([...healedParameters(trainee).keys()].toSorted()).toEqual([...parameters.keys()].toSorted());
  },
);
