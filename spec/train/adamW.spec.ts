import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { AdamW, defaultAdamW } from '../../src/train/adamW.ts';
import { clipGradients } from '../../src/train/clip.ts';
import { normals, seeds } from '../arbitraries.ts';

const settings = { beta1: 0.9, beta2: 0.99, eps: 1e-6, weightDecay: 0.2 };

function parameters(
  data: Float32Array,
  shape: readonly number[] = [1, data.length],
): Map<string, { shape: readonly number[]; data: Float32Array }> {
  return new Map([['w', { shape, data }]]);
}

describe('AdamW', () => {
  test.prop([seeds, fc.integer({ min: 1, max: 30 })])('follows the paper, line by line', (seed, steps) => {
    const data = normals(seed, 5);
    const optimizer = new AdamW(settings);
    const expected = Array.from(data);
    const [m, v] = [expected.map(() => 0), expected.map(() => 0)];
    for (let t = 1; t <= steps; t++) {
      const gradient = normals(seed + t, 5);
      optimizer.step(parameters(data), new Map([['w', gradient]]), 0.01);
      for (const [i, g] of gradient.entries()) {
        m[i] = settings.beta1 * m[i] + (1 - settings.beta1) * g;
        v[i] = settings.beta2 * v[i] + (1 - settings.beta2) * g ** 2;
        const update = m[i] / (1 - settings.beta1 ** t) / (Math.sqrt(v[i] / (1 - settings.beta2 ** t)) + settings.eps);
        expected[i] -= 0.01 * (update + settings.weightDecay * expected[i]);
      }
    }
    for (const [i, value] of data.entries()) expect(value).toBeCloseTo(expected[i], 5);
  });

  it('takes a first step of the rate against the sign of the gradient, whatever its size', () => {
    const data = Float32Array.of(0, 0, 0);
    new AdamW({ ...settings, eps: 1e-30 }).step(
      parameters(data),
      new Map([['w', Float32Array.of(1e-3, -7, 1e5)]]),
      0.5,
    );
    expect([...data]).toEqual([-0.5, 0.5, -0.5]);
  });

  it('decays matrices alone, and leaves what has no gradient', () => {
    const matrix = { shape: [1, 2], data: Float32Array.of(1, 2) };
    const gain = { shape: [2], data: Float32Array.of(1, 2) };
    const frozen = { shape: [1, 2], data: Float32Array.of(1, 2) };
    const zero = new Float32Array(2);
    new AdamW({ ...defaultAdamW, weightDecay: 0.5 }).step(
      new Map([
        ['matrix', matrix],
        ['gain', gain],
        ['frozen', frozen],
      ]),
      new Map([
        ['matrix', zero],
        ['gain', zero],
      ]),
      0.5,
    );
    expect([matrix, gain, frozen].map(({ data }) => [...data])).toEqual([
      [0.75, 1.5],
      [1, 2],
      [1, 2],
    ]);
  });

  test.prop([seeds, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })])(
    'goes on from its averages and its number of steps with the same bits',
    (seed, before, after) => {
      const [straight, resumed] = [normals(seed, 4), normals(seed, 4)];
      const first = new AdamW(settings);
      let second = new AdamW(settings);
      for (let t = 1; t <= before + after; t++) {
        const gradients = new Map([['w', normals(seed + t, 4)]]);
        first.step(parameters(straight), gradients, 0.01);
        second.step(parameters(resumed), gradients, 0.01);
        if (t === before) second = new AdamW(settings, new Map(second.moments), second.steps);
      }
      expect(resumed).toEqual(straight);
    },
  );
});

describe('clipGradients', () => {
  test.prop([seeds, fc.double({ min: 0.1, max: 10, noNaN: true })])(
    'shortens to the longest allowed and keeps the direction; short ones stay as they are',
    (seed, longest) => {
      const parts = [normals(seed, 3), normals(seed + 1, 5)];
      const gradients = new Map(parts.map((part, index) => [String(index), part.slice()]));
      const norm = clipGradients(gradients, longest);
      expect(norm).toBeCloseTo(Math.hypot(...parts[0], ...parts[1]), 5);
      const after = [...gradients.values()].flatMap((part) => [...part]);
      const factor = norm > longest ? longest / norm : 1;
      for (const [i, value] of parts.flatMap((part) => [...part]).entries()) {
        expect(after[i]).toBeCloseTo(factor * value, 5);
        if (factor === 1) expect(after[i]).toBe(value);
      }
    },
  );
});
