/** The walk of a repair: what it promises whatever the model, the mask and the settings. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { DataError, UsageError } from '../../src/errors.ts';
import { formatBlock } from '../../src/model/blockId.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { walkOf } from '../../src/model/walk.ts';
import { cutsOf } from '../../src/repair/cuts.ts';
import { defaultRepair, type FittedBlock } from '../../src/repair/repair.ts';
import { tinySource } from '../model/tinyTransformer.ts';
import { tinyChunks } from '../prune/tinySearch.ts';
import { mapMemory, repairOf, scoresOf, someCase, someSettings, valuesOf } from './tinyRepair.ts';

const runs = { numRuns: 40 };

test.prop([someCase, someSettings], runs)(
  'the scores it gives are those of the plain evaluator, on the whole model and on the edited one',
  async (one, settings) => {
    const { result } = await repairOf(one, { settings });
    expect(result.dense).toEqual(await scoresOf(one.source, Mask.empty, one.chunks));
    expect(result.repaired).toEqual(await scoresOf(edited(one.source, result.edits), one.mask, one.chunks));
  },
);

test.prop([someCase, someSettings, fc.constantFrom(0, 0.2, 0.5, 0.8)], runs)(
  'room for all streams, for some or for none gives the same bits',
  async (one, settings, share) => {
    const rows = one.chunks.ids.length * one.chunks.chunk;
    const all = 2 * 4 * rows * one.source.config.hiddenSize;
    const roomy = await repairOf(one, { settings });
    const short = await repairOf(one, { settings, bytes: share * all, weightBytes: 20_000 });
    expect(short.result.fits).toEqual(roomy.result.fits);
    expect(await valuesOf(one.source, short.result.edits)).toEqual(await valuesOf(one.source, roomy.result.edits));
    expect(short.result.repaired).toEqual(roomy.result.repaired);
    expect(short.result.dense).toEqual(roomy.result.dense);
  },
);

test.prop([someCase, someSettings, fc.nat(7)], runs)(
  'stopped after any fit and run again, it gives the same bits and fits nothing twice',
  async (one, settings, stop) => {
    const whole = await repairOf(one, { settings });
    const fits = new Map<string, FittedBlock>();
    const cut = mapMemory(fits);
    const stopped = repairOf(one, {
      settings,
      memory: {
        ...cut,
        async keep(key, fitted) {
          if (fits.size === stop) throw new Error('stopped');
          await cut.keep(key, fitted);
        },
      },
    });
    await (whole.result.fits.length > stop ? expect(stopped).rejects.toThrow('stopped') : stopped);
    const again = new Set<string>();
    const resumed = await repairOf(one, {
      settings,
      memory: {
        ...cut,
        async keep(key, fitted) {
          again.add(key);
          await cut.keep(key, fitted);
        },
      },
    });
    expect(again.size).toBe(Math.max(0, whole.result.fits.length - stop));
    expect(resumed.result.fits).toEqual(whole.result.fits);
    expect(await valuesOf(one.source, resumed.result.edits)).toEqual(await valuesOf(one.source, whole.result.edits));
    expect(resumed.result.repaired).toEqual(whole.result.repaired);
  },
);

test.prop([someCase, someSettings], runs)(
  'tells of every fit in walk order, and of its progress from 0 up to 1',
  async (one, settings) => {
    const { events, result } = await repairOf(one, { settings });
    const told = events.flatMap((event) => (event.type === 'repaired' ? [event.fit] : []));
    expect(told).toEqual(result.fits);
    const fitted = cutsOf(one.source.config, one.mask, settings.scope).kept.filter((step) => step.fitted);
    expect(told.map(({ block }) => block)).toEqual(fitted.map(({ block }) => formatBlock(block)));
    const fractions = events.flatMap((event) => (event.type === 'repairing' ? [event.fraction] : []));
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    for (const fraction of fractions) expect(fraction >= 0 && fraction < 1).toBe(true);
  },
);

test.prop([someCase, someSettings], runs)(
  'with an endless ridge no matrix changes; a bias still takes up the mean',
  async (one, settings) => {
    const { result } = await repairOf(one, { settings: { ...settings, factors: [1e30] } });
    for (const [name, values] of await valuesOf(one.source, result.edits)) {
      if (name.endsWith('.weight') && settings.form !== 'scale') expect(values).toEqual(await one.source.tensor(name));
    }
    if (settings.form === 'scale' || result.edits.some(({ tensor }) => tensor.endsWith('.bias'))) return;
    expect(result.edits).toEqual([]);
    for (const { kept, factor } of result.fits) expect([kept === null, factor]).toEqual([false, null]);
    expect(result.repaired).toEqual(await scoresOf(one.source, one.mask, one.chunks));
  },
);

test.prop([someCase, someSettings], runs)(
  'the whole of its memory on the backend is given back',
  async (one, settings) => {
    const backend = referenceBackend();
    await repairOf(one, { settings, backend });
    expect(backend.bytesInUse()).toBe(0);
  },
);

describe('is refused', () => {
  it('where no block is removed, or all are', async () => {
    const source = await tinySource();
    const chunks = tinyChunks(1, 2, 4);
    for (const mask of [Mask.empty, Mask.of(walkOf(source.config))]) {
      await expect(repairOf({ source, chunks, mask })).rejects.toThrow(UsageError);
    }
  });

  it('where a scale is to be fitted at every kept block', async () => {
    const source = await tinySource();
    const one = { source, mask: Mask.of([{ layer: 0, kind: 'mlp' }]), chunks: tinyChunks(1, 2, 4) };
    const wrong = repairOf(one, { settings: { ...defaultRepair, form: 'scale' } });
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toThrow("Use the scope 'cuts'.");
  });

  it('where chunks overlap', async () => {
    const source = await tinySource();
    const mask = Mask.of([{ layer: 0, kind: 'mlp' }]);
    const chunks = tinyChunks(1, 3, 4, { stride: 2 });
    await expect(repairOf({ source, chunks, mask })).rejects.toThrow(DataError);
    // A single chunk overlaps with nothing.
    await repairOf({ source, chunks: tinyChunks(1, 1, 4, { stride: 2 }), mask }, { settings: defaultRepair });
  });
});
