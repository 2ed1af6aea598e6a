/** A repair on gpu.js, whose kernels add up in f32, beside the reference, which does so in f64. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { gpuBackend } from '../../src/backends/gpu/gpuBackend.ts';
import { Mask } from '../../src/model/mask.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { repairForms } from '../../src/repair/fit.ts';
import type { Repaired, RepairSettings } from '../../src/repair/repair.ts';
import { tinySource } from '../model/tinyTransformer.ts';
import { tinyChunks } from '../prune/tinySearch.ts';
import { repairOf, valuesOf } from './tinyRepair.ts';

/** Largest difference over the largest change, and of errors and losses relative to themselves. */
const BOUND = 1e-4;

let gpu: Backend;
beforeAll(async () => {
  gpu = await gpuBackend({ mode: 'cpu' });
});
afterAll(() => gpu.dispose());

const settingsOf = (form: RepairSettings['form']): RepairSettings => {
  // One factor, so that rounding cannot choose another.
  return { form, scope: form === 'scale' ? 'cuts' : 'all', factors: [1] };
};

const cases = ['llama', 'gpt2'].flatMap((family) => repairForms.map((form) => [family, form] as const));

describe.each(cases)('%s, %s', (family, form) => {
  let source: WeightSource;
  let [ours, expected]: Repaired[] = [];
  const settings = settingsOf(form);
  beforeAll(async () => {
    source = await tinySource({ family: family as 'llama', layers: 3 });
    const one = { source, mask: Mask.parse('L1.mlp,L2.mha', source.config), chunks: tinyChunks(5, 9, 16) };
    const before = gpu.bytesInUse();
    ours = (await repairOf(one, { settings, backend: gpu })).result;
    // Nothing stays behind on the backend.
    expect(gpu.bytesInUse()).toBe(before);
    expected = (await repairOf(one, { settings })).result;
  });

  it('takes the fits that the reference takes, with the same errors', () => {
    expect(expected.fits.some(({ kept }) => kept === null)).toBe(true);
    const what = ({ fits }: Repaired): unknown =>
      fits.map(({ block, kept, factor, rows }) => [block, kept, factor, rows]);
    expect(what(ours)).toEqual(what(expected));
    for (const [at, { error, heldOut }] of expected.fits.entries()) {
      expect(Math.abs(Number(ours.fits[at].error?.after) / Number(error?.after) - 1)).toBeLessThan(BOUND);
      expect(Math.abs(Number(ours.fits[at].heldOut?.after) / Number(heldOut?.after) - 1)).toBeLessThan(BOUND);
    }
  });

  it('changes the same tensors, biases too, by the same but for the bound', async () => {
    const [values, wanted] = [await valuesOf(source, ours.edits), await valuesOf(source, expected.edits)];
    expect([...values.keys()]).toEqual([...wanted.keys()]);
    expect([...wanted.keys()].some((name) => name.endsWith('bias'))).toBe(family === 'gpt2');
    for (const [name, want] of wanted) {
      const old = await source.tensor(name);
      const change = Math.max(...want.map((value, i) => Math.abs(value - old[i])));
      const apart = Math.max(...want.map((value, i) => Math.abs(value - (values.get(name) ?? [])[i])));
      expect(apart, name).toBeLessThan(BOUND * change);
    }
  });

  it('scores the whole and the repaired model as the reference does', () => {
    for (const part of ['dense', 'repaired'] as const) {
      for (const [chunk, { nats, targets }] of expected[part].entries()) {
        expect(ours[part][chunk].targets).toBe(targets);
        expect(Math.abs(ours[part][chunk].nats / nats - 1)).toBeLessThan(BOUND);
      }
    }
  });
});
