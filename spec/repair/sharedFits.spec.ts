/** Masks that begin alike share fits, and no others. */
import { test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { walkIndex } from '../../src/model/blockId.ts';
import { Mask } from '../../src/model/mask.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { FittedBlock } from '../../src/repair/repair.ts';
import { mapMemory, repairOf, someCase, someSettings, valuesOf } from './tinyRepair.ts';

test.prop([someCase, someSettings], { numRuns: 25 })(
  'fits of one mask serve another that begins alike, and change nothing in it',
  async (one, settings) => {
    // The same without the last removed block.
    const blocks = one.mask.blocks.toSorted((a, b) => walkIndex(a) - walkIndex(b));
    const shorter = { ...one, mask: Mask.of(blocks.slice(0, -1)) };
    if (shorter.mask.size === 0) return;
    const fits = new Map<string, FittedBlock>();
    const alone = await repairOf(one, { settings });
    await repairOf(shorter, { settings, memory: mapMemory(fits) });
    const before = new Set(fits.keys());
    let recalled = 0;
    const memory = mapMemory(fits);
    const shared = await repairOf(one, {
      settings,
      memory: {
        ...memory,
        async recall(key) {
          if (before.has(key)) recalled++;
          return memory.recall(key);
        },
      },
    });
    expect(shared.result.fits).toEqual(alone.result.fits);
    expect(shared.result.repaired).toEqual(alone.result.repaired);
    expect(await valuesOf(one.source, shared.result.edits)).toEqual(await valuesOf(one.source, alone.result.edits));
    // A fit between the first two removed blocks at least is the same for both.
    const walk = walkOf(one.source.config, shorter.mask).map(walkIndex);
    const last = walkIndex(blocks[blocks.length - 1]);
    const common = walk.filter((at) => at > walkIndex(blocks[0]) && at < last);
    if (settings.scope === 'all' && common.length > 1) expect(recalled).toBeGreaterThan(0);
  },
);
