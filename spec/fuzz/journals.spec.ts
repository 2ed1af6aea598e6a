/**
 * A short run over damaged journals, checkpoints and logs; `node spec/fuzz/journals.ts` makes a
 * long one.
 */
import { expect, test } from 'vitest';
import { damageRuns } from './damageRuns.ts';
import { damages } from './damage.ts';
import { runTargets } from './runTargets.ts';

test('damaged, they are refused or lead to the same result', async () => {
  const { fates, faults } = await damageRuns(4 * Object.keys(damages).length * runTargets.length, 0);
  expect(faults).toEqual([]);
  // Files that are all refused, or all taken, would say nothing of what lies between. A checkpoint
  // is one record.
  for (const [name, { refused, same }] of fates) {
    expect([name, refused > 0, name === 'checkpoint' || same > 0]).toEqual([name, true, true]);
  }
}, 60_000);

test.each(runTargets)('$name: undamaged, it is taken; empty, all is done anew', async ({ whole, resume }) => {
  await resume(whole);
  await resume(new Uint8Array());
});
