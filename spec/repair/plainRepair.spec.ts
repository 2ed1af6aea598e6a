/** The walk against its plain twin, which runs the model anew for every block. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { repairScopes } from '../../src/repair/cuts.ts';
import { plainRepair } from '../../src/repair/plainRepair.ts';
import { repairOf, someCase, valuesOf, WEIGHT_BYTES } from './tinyRepair.ts';

/**
 * One factor, strong enough that the systems are well conditioned: the choice between factors could
 * turn on the last bit of a sum.
 */
const someSettings = fc.record({
  form: fc.constantFrom('refit' as const, 'replaceme' as const),
  scope: fc.constantFrom(...repairScopes),
  factors: fc.constantFrom([0.1], [1]),
});

/** Of figures and weights; sums are rounded to f32 once a unit here, once a chunk there. */
const RELATIVE = 1e-3;

test.prop([someCase, someSettings], { numRuns: 60 })(
  'the same blocks are fitted, to the same weights up to how sums are grouped',
  async (one, settings) => {
    const { result } = await repairOf(one, { settings });
    const model = await Transformer.load(one.source, referenceBackend(), WEIGHT_BYTES);
    const plain = await plainRepair(model, one.chunks, one.mask, settings);
    model.free();
    expect(plain.fits.map(({ block, rows, heldOutRows }) => [block, rows, heldOutRows])).toEqual(
      result.fits.map(({ block, rows, heldOutRows }) => [block, rows, heldOutRows]),
    );
    for (const [at, { kept, error }] of result.fits.entries()) {
      const other = plain.fits[at];
      // A fit whose gain is no more than rounding may be taken here and left there. What follows
      // then differs by as little; the comparison ends.
      if ((kept === null) !== (other.kept === null)) return;
      expect(other.error?.before).toSatisfy(near(error?.before ?? NaN));
      expect(other.error?.after).toSatisfy(near(error?.after ?? NaN, error?.before));
    }
    const [values, wanted] = [await valuesOf(one.source, result.edits), await valuesOf(one.source, plain.edits)];
    expect([...values.keys()]).toEqual([...wanted.keys()]);
    for (const [name, weights] of values) {
      const other = wanted.get(name) ?? new Float32Array(0);
      const largest = weights.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
      const worst = weights.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
      expect(worst / largest, name).toBeLessThan(RELATIVE);
    }
  },
);

/** Within the bound of `value`, or of a larger number that it was left from. */
function near(value: number, scale: number = value): (other: number | undefined) => boolean {
  return (other = NaN) => Math.abs(other - value) <= RELATIVE * Math.abs(scale) + 1e-12;
}
