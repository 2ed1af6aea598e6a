import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { seededRng, type Rng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';

function uniforms(rng: Rng, count: number): number[] {
  return Array.from({ length: count }, () => rng.uniform());
}

describe('seededRng', () => {
  it('gives the integers of xoshiro128** seeded through splitmix32, as worked out apart', () => {
    const integers = uniforms(seededRng(42), 5).map((value) => value * 2 ** 32);
    expect(integers).toEqual([660444221, 3652823732, 77672526, 910233633, 2297337756]);
    expect(seededRng(0).uniform() * 2 ** 32).toBe(1789933344);
  });

  test.prop([fc.nat(Number.MAX_SAFE_INTEGER)])('repeats itself for the same seed', (seed) => {
    expect(uniforms(seededRng(seed), 20)).toEqual(uniforms(seededRng(seed), 20));
  });

  test.prop([fc.nat(Number.MAX_SAFE_INTEGER), fc.integer({ min: 1, max: 2 ** 40 })])(
    'differs for another seed, also beyond 32 bits',
    (seed, step) => {
      expect(uniforms(seededRng(seed), 4)).not.toEqual(uniforms(seededRng(seed + step), 4));
    },
  );

  test.prop([seeds, fc.integer({ min: 1, max: 1000 })])('stays in its ranges', (seed, n) => {
    const rng = seededRng(seed);
    for (let i = 0; i < 50; i++) {
      const [uniform, normal, int] = [rng.uniform(), rng.normal(), rng.int(n)];
      expect(uniform >= 0 && uniform < 1).toBe(true);
      expect(Math.abs(normal)).toBeLessThanOrEqual(6);
      expect(Number.isInteger(int) && int >= 0 && int < n).toBe(true);
    }
  });

  it('has the moments of the uniform and the normal distribution', () => {
    const rng = seededRng(7);
    const count = 100_000;
    const u = uniforms(rng, count);
    const z = Array.from({ length: count }, () => rng.normal());
    const moment = (list: number[], power: number): number =>
      list.reduce((sum, value) => sum + value ** power, 0) / count;
    expect(Math.abs(moment(u, 1) - 1 / 2)).toBeLessThan(0.005);
    expect(Math.abs(moment(u, 2) - 1 / 3)).toBeLessThan(0.005);
    expect(Math.abs(moment(z, 1))).toBeLessThan(0.015);
    expect(Math.abs(moment(z, 2) - 1)).toBeLessThan(0.02);
    expect(Math.abs(moment(z, 3))).toBeLessThan(0.05);
    // Twelve uniforms: the fourth moment is 3 − 6/(5 · 12) = 2.9.
    expect(Math.abs(moment(z, 4) - 2.9)).toBeLessThan(0.1);
  });

  it('draws every integer about equally often', () => {
    const counts = Array.from({ length: 10 }, () => 0);
    const rng = seededRng(9);
    for (let i = 0; i < 10_000; i++) counts[rng.int(10)]++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('fork', () => {
  test.prop([seeds, fc.string(), fc.nat(20)])(
    'does not depend on what was drawn before, nor change it',
    (seed, label, drawn) => {
      const [rng, other] = [seededRng(seed), seededRng(seed)];
      uniforms(rng, drawn);
      const fork = rng.fork(label);
      expect(uniforms(fork, 5)).toEqual(uniforms(other.fork(label), 5));
      uniforms(other, drawn);
      expect(uniforms(rng, 5)).toEqual(uniforms(other, 5));
    },
  );

  test.prop([seeds])('gives each purpose and each seed its own numbers', (seed) => {
    const rng = seededRng(seed);
    const streams = [rng, rng.fork('a'), rng.fork('b'), rng.fork('a').fork('b'), seededRng(seed + 1).fork('a')];
    const firsts = streams.map((stream) => uniforms(stream, 3).join());
    expect(new Set(firsts).size).toBe(streams.length);
  });
});
