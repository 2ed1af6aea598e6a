import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { LEVEL_LABELS, heatLevel } from '../../../src/prune/report/heatRamp.ts';
import { STYLE } from '../../../src/prune/report/style.ts';
import { luminance } from './colour.ts';

const ppl = fc.double({ min: 1e-300, max: 1e300, noNaN: true });

describe('heat ramp', () => {
  test.prop([ppl, ppl, ppl])('a costlier candidate never has a lower level', (best, a, b) => {
    const [low, high] = [heatLevel(Math.min(a, b), best), heatLevel(Math.max(a, b), best)];
    expect(low).toBeLessThanOrEqual(high);
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThan(LEVEL_LABELS.length);
  });

  test.each([
    [20, 0],
    [20.19, 0],
    [20.21, 1],
    [21.1, 3],
    [41, 7],
    [1999, 8],
    [1e30, 9],
  ])('%d over a best of 20 is level %d', (candidate, level) => {
    expect(heatLevel(candidate, 20)).toBe(level);
  });

  test('lightness changes steadily over the ramp, in either palette', () => {
    const ramps = [...STYLE.matchAll(/--h\d: (#[0-9a-f]{6})/g)].map(([, colour]) => luminance(colour));
    expect(ramps).toHaveLength(2 * LEVEL_LABELS.length);
    const [light, dark] = [ramps.slice(0, LEVEL_LABELS.length), ramps.slice(LEVEL_LABELS.length)];
    expect(light).toEqual(light.toSorted((a, b) => b - a));
    expect(dark).toEqual(dark.toSorted((a, b) => a - b));
  });
});
