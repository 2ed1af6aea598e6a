/**
 * A short run of the fuzzer: every parser, the same files every time. `npm run fuzz` runs it for
 * minutes.
 */
import { expect, test } from 'vitest';
import { BATCH, feedBatch, targets } from './fuzz.ts';

test.each(targets.map(({ name }) => name))('damaged files: %s', async (name) => {
  const target = targets.find((one) => one.name === name) ?? expect.unreachable();
  const { read, refused, faults } = await feedBatch(target, { seed: 0, number: 0, count: BATCH });
  expect(faults).toEqual([]);
  // Files that all pass, or all fail, would say nothing of what lies between.
  expect(read).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(name === 'hubId' ? -1 : 0);
});
