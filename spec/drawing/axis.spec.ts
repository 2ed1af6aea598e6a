import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { linearTicks, logTicks, perplexityAxis } from '../../src/drawing/axis.ts';

const value = fc.oneof(
  fc.double({ min: 1, max: 60, noNaN: true }),
  fc.double({ min: 1e-300, max: 1e300, noNaN: true }),
  fc.constantFrom(1, 10, 1000, 1e30),
);
const values = fc.array(value, { minLength: 1, maxLength: 20 });

describe('perplexity axis', () => {
  test.prop([values])('ticks ascend, are few, and enclose the data', (data) => {
    const { ticks } = perplexityAxis(data);
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(ticks.length).toBeLessThanOrEqual(10);
    expect(ticks.slice(1).every((tick, index) => tick > ticks[index])).toBe(true);
    expect(ticks[0]).toBeLessThanOrEqual(Math.min(...data));
    expect(ticks[ticks.length - 1]).toBeGreaterThanOrEqual(Math.max(...data));
  });

  test.prop([values])('places lie in 0 … 1 and keep the order of the data', (data) => {
    const { place } = perplexityAxis(data);
    const places = data.toSorted((a, b) => a - b).map(place);
    expect(places.every((at) => at >= 0 && at <= 1)).toBe(true);
    expect(places.every((at, index) => index === 0 || at >= places[index - 1])).toBe(true);
  });

  test.prop([values])('is logarithmic exactly beyond a tenfold span', (data) => {
    expect(perplexityAxis(data).log).toBe(Math.max(...data) / Math.min(...data) > 10);
  });

  test.prop([
    fc.double({ min: 1e-300, noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: 1e-300, noNaN: true, noDefaultInfinity: true }),
  ])('stays finite up to the largest double', (a, b) => {
    const { ticks, place } = perplexityAxis([a, b]);
    expect(ticks.every(Number.isFinite)).toBe(true);
    expect([place(a), place(b)].every((at) => at >= 0 && at <= 1)).toBe(true);
  });

  test('ticks are round numbers', () => {
    expect(linearTicks(19.2, 37.4, 7)).toEqual([15, 20, 25, 30, 35, 40]);
    expect(linearTicks(0.1, 0.3, 3)).toEqual([0.1, 0.2, 0.3]);
    expect(logTicks(19.2, 575, 7)).toEqual([10, 20, 50, 100, 200, 500, 1000]);
    expect(logTicks(6.1, 2e8, 7)).toEqual([1, 100, 10000, 1e6, 1e8, 1e10]);
  });

  test('a flat curve is not magnified into a mountain', () => {
    const ticks = linearTicks(20, 20.000001, 7);
    expect(ticks[ticks.length - 1] - ticks[0]).toBeGreaterThan(0.1);
  });
});
