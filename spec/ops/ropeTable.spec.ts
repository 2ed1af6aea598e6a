import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ropeFrequencies, ropeTable, type RopeConfig } from '../../src/ops/ropeTable.ts';

const headDims = fc.integer({ min: 1, max: 64 }).map((half) => half * 2);
const thetas = fc.constantFrom(100, 10_000, 500_000, 1_000_000);
const plain = (theta: number): RopeConfig => ({ theta, scaling: { type: 'default' } });

/** Llama 3.1's own settings. */
const llama31 = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 };

/**
 * llama3 scaling as Llama 3.1's release words it: by the wavelength of a pair against two bounds.
 */
function byWavelength(frequency: number, s: typeof llama31): number {
  const wavelength = (2 * Math.PI) / frequency;
  const longest = s.originalMaxPositionEmbeddings / s.lowFreqFactor;
  const shortest = s.originalMaxPositionEmbeddings / s.highFreqFactor;
  if (wavelength < shortest) return frequency;
  if (wavelength > longest) return frequency / s.factor;
  const smooth =
    (s.originalMaxPositionEmbeddings / wavelength - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
  return frequency * ((1 - smooth) / s.factor + smooth);
}

describe('ropeFrequencies', () => {
  test.prop([headDims, thetas])('falls geometrically from 1 towards 1/theta', (headDim, theta) => {
    const frequencies = ropeFrequencies(plain(theta), headDim);
    expect(frequencies).toHaveLength(headDim / 2);
    expect(frequencies[0]).toBe(1);
    const step = Math.exp((-2 * Math.log(theta)) / headDim);
    for (let i = 1; i < headDim / 2; i++) expect(frequencies[i] / frequencies[i - 1]).toBeCloseTo(step, 12);
  });

  test.prop([
    headDims,
    thetas,
    fc.record({
      factor: fc.integer({ min: 2, max: 40 }),
      lowFreqFactor: fc.double({ min: 0.5, max: 2, noNaN: true }),
      highFreqFactor: fc.double({ min: 2.5, max: 8, noNaN: true }),
      originalMaxPositionEmbeddings: fc.constantFrom(256, 2048, 8192),
    }),
  ])('llama3 scaling follows the wavelength rule', (headDim, theta, scaling) => {
    const found = ropeFrequencies({ theta, scaling: { type: 'llama3', ...scaling } }, headDim);
    for (const [i, frequency] of ropeFrequencies(plain(theta), headDim).entries()) {
      const expected = byWavelength(frequency, scaling);
      expect(Math.abs(found[i] / expected - 1)).toBeLessThan(1e-9);
    }
  });

  it('llama3 scaling of Llama 3.1 leaves fast pairs, slows long ones eightfold and blends between', () => {
    const scaled = ropeFrequencies({ theta: 500_000, scaling: { type: 'llama3', ...llama31 } }, 128);
    const ratios = ropeFrequencies(plain(500_000), 128).map((frequency, i) => frequency / scaled[i]);
    expect(ratios[0]).toBe(1);
    expect(ratios[63]).toBeCloseTo(8, 12);
    expect(ratios.filter((ratio) => ratio > 1.001 && ratio < 7.999).length).toBeGreaterThan(0);
    expect([...ratios]).toEqual([...ratios].sort((a, b) => a - b));
  });

  test.prop([headDims, thetas, fc.integer({ min: 2, max: 16 })])(
    'divisors say the same as the scaling they were made from',
    (headDim, theta, factor) => {
      const divisors = Array.from({ length: headDim / 2 }, () => factor);
      const byDivisors = ropeFrequencies({ theta, scaling: { type: 'divisors', divisors } }, headDim);
      expect(byDivisors).toEqual(ropeFrequencies({ theta, scaling: { type: 'linear', factor } }, headDim));
    },
  );
});

describe('ropeTable', () => {
  test.prop([headDims, thetas, fc.integer({ min: 1, max: 50 })])(
    'holds cos and sin of position times frequency',
    (headDim, theta, positions) => {
      const { cos, sin } = ropeTable(plain(theta), headDim, positions);
      const frequencies = ropeFrequencies(plain(theta), headDim);
      expect([cos.length, sin.length]).toEqual([(positions * headDim) / 2, (positions * headDim) / 2]);
      for (const [at, c] of cos.entries()) {
        const angle = Math.floor(at / frequencies.length) * frequencies[at % frequencies.length];
        expect(Math.atan2(sin[at], c)).toBeCloseTo(Math.atan2(Math.sin(angle), Math.cos(angle)), 6);
        expect(Math.hypot(c, sin[at])).toBeCloseTo(1, 6);
      }
    },
  );

  test.prop([headDims, fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 12 })])(
    'linear scaling squeezes positions: position p · factor looks like p did',
    (headDim, factor, positions) => {
      const half = headDim / 2;
      const before = ropeTable(plain(10_000), headDim, positions);
      const after = ropeTable({ theta: 10_000, scaling: { type: 'linear', factor } }, headDim, positions * factor);
      for (let p = 0; p < positions; p++) {
        for (let i = 0; i < half; i++)
          expect(after.cos[p * factor * half + i]).toBeCloseTo(before.cos[p * half + i], 6);
      }
    },
  );
});
