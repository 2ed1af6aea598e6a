/** The settings of a repair: what is left out, what does not go together, and ridge factors. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { loopSettings } from '../../src/prune/repair/settings.ts';
import { defaultRepair } from '../../src/repair/repair.ts';
import { isRidgeList, repairSettings, ridgeFactors } from '../../src/repair/settings.ts';

const factor = fc.double({ min: 0, minExcluded: true, max: 1e6, noNaN: true });
const none = fc.constantFrom<unknown>(0, -0, -1, NaN, Infinity, -Infinity, 2e6, '1', null, undefined, [1]);

describe('ridge factors', () => {
  test.prop([fc.array(factor, { minLength: 1 })])('come in ascending order, each once, to every door', (given) => {
    const factors = ridgeFactors(given);
    expect(new Set(factors)).toEqual(new Set(given));
    for (const [at, one] of factors.entries()) expect(one).toBeGreaterThan(factors[at - 1] ?? 0);
    expect(repairSettings({ ridge: given }).factors).toEqual(factors);
    expect(loopSettings({ factors: given }).factors).toEqual(factors);
  });

  test.prop([fc.array(factor), none, fc.array(factor)])(
    'that are not positive numbers are refused',
    (before, bad, after) => {
      const given = [...before, bad, ...after] as number[];
      expect(isRidgeList(given)).toBe(false);
      for (const door of [
        ridgeFactors,
        (ridge: number[]) => repairSettings({ ridge }),
        (factors: number[]) => loopSettings({ factors }),
      ]) {
        expect(() => door(given)).toThrow(UsageError);
      }
    },
  );

  it.each([[], 1, '1', null, { length: 1 }])('%j is no list of them', (given) => {
    expect(isRidgeList(given)).toBe(false);
  });
});

describe('what is left out', () => {
  it('has its default, and of a scale the scope is cuts', () => {
    expect(repairSettings({})).toEqual(defaultRepair);
    expect(repairSettings({ form: 'scale' })).toEqual({ ...defaultRepair, form: 'scale', scope: 'cuts' });
    expect(() => repairSettings({ form: 'scale', scope: 'all' })).toThrow(UsageError);
    expect(() => repairSettings({ form: 'scale', ridge: [1] })).toThrow(UsageError);
  });
});
