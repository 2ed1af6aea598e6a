/** What a repair says it needs is enough for it, and what it cannot do without. */
import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { MemoryBudgetError } from '../../src/errors.ts';
import { Mask } from '../../src/model/mask.ts';
import { outputTensorNames } from '../../src/model/tensorNames.ts';
import { walkOf } from '../../src/model/walk.ts';
import { elementsOf } from '../../src/model/weights.ts';
import { repair, type FittedBlock } from '../../src/repair/repair.ts';
import { fittedBytes, repairWorkload } from '../../src/repair/repairMemory.ts';
import { memoryNeeds, smallestMemory } from '../../src/session/memoryPlan.ts';
import { openSession } from '../../src/session/session.ts';
import { tinySource } from '../model/tinyTransformer.ts';
import { someUneven, unevenSource } from '../model/unevenModel.ts';
import { drain, tinyChunks, watchReads } from '../prune/tinySearch.ts';
import { mapMemory, repairOf, someCase, someSettings } from './tinyRepair.ts';

/** A WebAssembly memory is of whole pages. */
const PAGE = 2 ** 16;

const open = (bytes: number): Promise<{ backend: Awaited<ReturnType<typeof simdBackend>>; why: string }> =>
  simdBackend({ memoryBytes: bytes, threads: 1, spawn: null }).then((backend) => ({ backend, why: 'for a test' }));

describe('the smallest memory', () => {
  test.prop([someCase, someSettings], { numRuns: 15 })('is enough, to the same bits', async (one, settings) => {
    const { source, chunks, mask } = one;
    const workload = repairWorkload(source, chunks.chunk, 0);
    const probe = await open(2 ** 24);
    // Below a MiB the arena's own bookkeeping counts.
    const least = smallestMemory(memoryNeeds(source, workload, probe.backend)) + 2 ** 20;
    await probe.backend.dispose();
    const { model, close } = await openSession(source, open, least, workload);
    const { result } = await drain(repair({ model, chunks, mask, settings, memory: mapMemory(), bytes: 0 }));
    await close();
    const { backend } = await open(2 ** 24);
    const roomy = await repairOf(one, { settings, backend });
    expect(result.fits).toEqual(roomy.result.fits);
    expect(result.repaired).toEqual(roomy.result.repaired);
    await backend.dispose();
  });

  it('counts what the host holds', async () => {
    const source = await tinySource();
    const workload = repairWorkload(source, 8, 0);
    expect(workload.hostBytes).toBeGreaterThan(0);
    const short = openSession(source, open, workload.hostBytes, workload);
    await expect(short).rejects.toThrow(MemoryBudgetError);
    await expect(short).rejects.toThrow(/MiB beside the backend/);
    // The backend gets the rest.
    const bytes = 2 ** 25;
    const session = await openSession(source, open, bytes, workload);
    expect(session.backend.capacityBytes).toBeLessThanOrEqual(bytes - workload.hostBytes + PAGE);
    await session.close();
  });
});

it('both streams of a text take two numbers a token and channel', async () => {
  const source = await tinySource();
  const chunks = tinyChunks(1, 3, 8);
  const { streamBytes: bytes } = repairWorkload(source, 8, 24);
  expect(bytes).toBe(2 * 24 * source.config.hiddenSize * 4);
  // With them nothing is computed twice: the embedding is read once.
  let reads = 0;
  const watched = watchReads(source, () => void reads++);
  const one = { source: watched, mask: Mask.parse('L0.mlp', source.config), chunks };
  await repairOf(one, { bytes });
  const all = reads;
  await repairOf(one, { bytes: 0 });
  expect(reads - all).toBeGreaterThan(all);
});

test.prop([someCase, someSettings])(
  'no repair fits tensors of more bytes than it is said to',
  async (one, settings) => {
    const fits = new Map<string, FittedBlock>();
    await repairOf(one, { settings, memory: mapMemory(fits) });
    let bytes = 0;
    for (const { tensors } of fits.values()) {
      for (const values of tensors.values()) bytes += values.byteLength;
    }
    expect(bytes).toBeLessThanOrEqual(fittedBytes(one.source, settings.scope));
  },
);

test.prop([someUneven(3)])(
  'the most is that of every output matrix, and of no more than half of them at cuts',
  (shape) => {
    const source = unevenSource(shape);
    const sizes = walkOf(source.config).map((block) => {
      const { weight, bias } = outputTensorNames(source.config, block);
      return 4 * (elementsOf(source, weight) + (bias === null ? 0 : elementsOf(source, bias)));
    });
    const all = sizes.reduce((sum, size) => sum + size, 0);
    expect(fittedBytes(source, 'all')).toBe(all);
    expect(fittedBytes(source, 'cuts')).toBeLessThanOrEqual(Math.max(...sizes) * Math.floor(sizes.length / 2));
  },
);
