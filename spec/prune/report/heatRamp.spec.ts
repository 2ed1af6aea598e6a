import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { DENSE_RAMP, heatLevel, STEP_RAMP } from '../../../src/prune/report/heatRamp.ts';
import { STYLE } from '../../../src/prune/report/style.ts';
import { luminance } from './colour.ts';

const ppl = fc.double({ min: 1e-300, max: 1e300, noNaN: true });
const LEVELS = 10;

describe.each([
  ['against dense', DENSE_RAMP],
  ['within a step', STEP_RAMP],
])('heat ramp %s', (_, ramp) => {
  test.prop([ppl, ppl, ppl])('a costlier candidate never has a lower level', (base, a, b) => {
    const [low, high] = [heatLevel(Math.min(a, b), base, ramp), heatLevel(Math.max(a, b), base, ramp)];
    expect(low).toBeLessThanOrEqual(high);
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThan(LEVELS);
  });

  test('has a label and an ascending bound for every level', () => {
    expect(ramp.labels).toHaveLength(LEVELS);
    expect(ramp.bounds).toHaveLength(LEVELS);
    expect(ramp.bounds).toEqual(ramp.bounds.toSorted((a, b) => a - b));
    for (const [level, label] of ramp.labels.entries()) {
      const [, plus, times] = /^(?:\+(\d+) %|×(\d+))$/.exec(label) ?? [];
      if (level === 0) continue;
      const bound = plus === undefined ? Number(times) : 1 + Number(plus) / 100;
      expect(ramp.bounds[level]).toBeCloseTo(bound, 12);
      expect(heatLevel(20.001 * bound, 20, ramp)).toBe(level);
      expect(heatLevel(19.999 * bound, 20, ramp)).toBe(level - 1);
    }
  });
});

test('what costs nothing, or less, has the first colour', () => {
  expect(heatLevel(10, 20, DENSE_RAMP)).toBe(0);
  expect(heatLevel(20, 20, DENSE_RAMP)).toBe(0);
  expect(heatLevel(20, 20, STEP_RAMP)).toBe(0);
});

test('lightness changes steadily over the ramp, in either palette', () => {
  const ramps = [...STYLE.matchAll(/--h\d: (#[0-9a-f]{6})/g)].map(([, colour]) => luminance(colour));
  expect(ramps).toHaveLength(2 * LEVELS);
  const [light, dark] = [ramps.slice(0, LEVELS), ramps.slice(LEVELS)];
  expect(light).toEqual(light.toSorted((a, b) => b - a));
  expect(dark).toEqual(dark.toSorted((a, b) => a - b));
});
