/**
 * The memory that a pruning with a repair is planned to need is enough for it, on backend and host.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { simdBackend } from '../../../src/backends/simd/simdBackend.ts';
import { run } from '../../../src/prune/run.ts';
import { repairTimes, type RepairTime } from '../../../src/prune/repair/settings.ts';
import { runWorkload } from '../../../src/prune/repair/workload.ts';
import { repairScopes, type RepairScope } from '../../../src/repair/cuts.ts';
import { defaultRepair } from '../../../src/repair/repair.ts';
import { fittedBytes, repairWorkload } from '../../../src/repair/repairMemory.ts';
import { memoryNeeds, smallestMemory } from '../../../src/session/memoryPlan.ts';
import { openSession } from '../../../src/session/session.ts';
import { tinySource } from '../../model/tinyTransformer.ts';
import { drain } from '../tinySearch.ts';
import { CHUNKS, lasting, repairRun } from './repairRun.ts';

const LAYERS = { layers: 3 };
const TOKENS = CHUNKS.chunk * CHUNKS.ids.length;

const open = (memoryBytes: number) =>
  simdBackend({ memoryBytes, threads: 1, spawn: null }).then((backend) => ({ backend, why: 'for a test' }));

/** A whole run in so many times the smallest memory; a MiB more is the arena's own. */
async function within(when: RepairTime, scope: RepairScope, times: number): Promise<object> {
  const source = await tinySource(LAYERS);
  const workload = runWorkload(source, CHUNKS.chunk, 'mix', { when, scope, tokens: TOKENS, inMemory: true });
  const probe = await open(2 ** 24);
  const least = smallestMemory(memoryNeeds(source, workload, probe.backend));
  await probe.backend.dispose();
  const memoryBytes = Math.ceil(least * times) + 2 ** 20;
  const session = await openSession(source, open, memoryBytes, workload);
  const { model, activationBytes, spareBytes, weightBytes, streamBytes } = session;
  const repair = { when, settings: { ...defaultRepair, scope }, weightBytes, streamBytes };
  const more = { model, activationBytes, checkpointBytes: spareBytes };
  const { options } = await repairRun(repair, more, {}, LAYERS);
  const { result } = await drain(run(options));
  expect(model.backend.bytesInUse()).toBeLessThanOrEqual(memoryBytes);
  await session.close();
  return lasting(result);
}

describe('a pruning that repairs', () => {
  const roomy = new Map<string, Promise<object>>();
  test.prop(
    [fc.constantFrom(...repairTimes), fc.constantFrom(...repairScopes), fc.double({ min: 1, max: 3, noNaN: true })],
    {
      numRuns: 6,
    },
  )('runs in the memory that its plan names, to the same bits in any', async (when, scope, times) => {
    const key = `${when} ${scope}`;
    roomy.set(key, roomy.get(key) ?? within(when, scope, 100));
    expect(await within(when, scope, times)).toEqual(await roomy.get(key));
  });

  it('needs as much as its repair does, which a sweep may not', async () => {
    const source = await tinySource(LAYERS);
    const backend = { nllRowBytes: 8, scratchBytes: () => 0 };
    const needs = (repair?: Parameters<typeof runWorkload>[3]) =>
      memoryNeeds(source, runWorkload(source, 8, 'mix', repair), backend);
    const alone = memoryNeeds(source, { ...repairWorkload(source, 8, 96), models: 2 }, backend);
    const plan = { when: 'end', scope: 'all', tokens: 96, inMemory: false } as const;
    const end = needs(plan);
    expect(end.hostBytes).toBe(alone.hostBytes);
    expect(end.streamBytes).toBe(alone.streamBytes);
    expect(end.activationBytes).toBe(Math.max(alone.activationBytes, needs().activationBytes));
    expect(end.weightBytes).toBe(2 * needs().weightBytes);
    // Fits of leaders, and those of a store in memory, are on the host.
    const fitted = fittedBytes(source, 'all');
    expect(needs({ ...plan, inMemory: true }).hostBytes - end.hostBytes).toBe(fitted);
    expect(needs({ ...plan, when: 'each' }).hostBytes - end.hostBytes).toBe(2 * fitted);
    expect(needs({ ...plan, when: 'each', inMemory: true }).hostBytes - end.hostBytes).toBe(4 * fitted);
    expect(needs()).toMatchObject({ hostBytes: 0, streamBytes: 0 });
  });
});
