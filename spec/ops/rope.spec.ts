import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { rope } from '../../src/ops/rope.ts';
import { ropeTable } from '../../src/ops/ropeTable.ts';
import { normals, seeds } from '../arbitraries.ts';

const headDims = fc.integer({ min: 1, max: 40 }).map((half) => half * 2);
const positions = fc.nat(60);

/** One head's vector, turned as at `position`. */
function turned(x: Float32Array, position: number): Float32Array {
  const table = ropeTable({ theta: 10_000, scaling: { type: 'default' } }, x.length, position + 1);
  const out = new Float32Array(x.length);
  rope(out, x, table.cos, table.sin, 1, { heads: 1, headDim: x.length, seqLen: 1, start: position });
  return out;
}

function dot(x: Float32Array, y: Float32Array): number {
  return x.reduce((sum, value, i) => sum + value * y[i], 0);
}

describe('rope', () => {
  test.prop([headDims, positions, seeds])('keeps the norm of every pair (i, i + D/2)', (headDim, position, seed) => {
    const x = normals(seed, headDim);
    const out = turned(x, position);
    const half = headDim / 2;
    for (let i = 0; i < half; i++) {
      expect(Math.hypot(out[i], out[half + i])).toBeCloseTo(Math.hypot(x[i], x[half + i]), 5);
    }
  });

  test.prop([headDims, positions, positions, fc.nat(40), seeds])(
    'makes q · k depend on the distance of their positions alone',
    (headDim, p, q, shift, seed) => {
      const [query, key] = [normals(seed, headDim), normals(seed + 1, headDim)];
      const there = dot(turned(query, p), turned(key, q));
      const further = dot(turned(query, p + shift), turned(key, q + shift));
      expect(Math.abs(further - there)).toBeLessThan(1e-5 * (1 + Math.hypot(...query) * Math.hypot(...key)));
    },
  );

  test.prop([headDims, positions, positions, seeds])(
    'adds up: turning by p, then by q, is turning by p + q',
    (headDim, p, q, seed) => {
      const x = normals(seed, headDim);
      const [twice, once] = [turned(turned(x, p), q), turned(x, p + q)];
      for (const [i, value] of once.entries()) expect(twice[i]).toBeCloseTo(value, 4);
    },
  );

  test.prop([headDims, seeds])('does nothing at position 0', (headDim, seed) => {
    const x = normals(seed, headDim);
    expect(turned(x, 0)).toEqual(x);
  });

  it('turns the first pair by one radian a position, anticlockwise', () => {
    const out = turned(Float32Array.of(1, 0, 0, 0), 1);
    expect(out[0]).toBeCloseTo(Math.cos(1), 6);
    expect(out[2]).toBeCloseTo(Math.sin(1), 6);
    expect([out[1], out[3]]).toEqual([0, 0]);
  });

  it('counts positions from `start`, anew in each sequence, alike for every head, in place too', () => {
    const [heads, headDim, seqLen, start, sequences] = [3, 4, 5, 2, 2];
    const table = ropeTable({ theta: 100, scaling: { type: 'default' } }, headDim, start + seqLen);
    const x = normals(1, sequences * seqLen * heads * headDim);
    const out = x.slice();
    rope(out, out, table.cos, table.sin, sequences * seqLen, { heads, headDim, seqLen, start });
    for (let vector = 0; vector < sequences * seqLen * heads; vector++) {
      const position = start + (Math.floor(vector / heads) % seqLen);
      const alone = new Float32Array(headDim);
      const range = [vector * headDim, (vector + 1) * headDim] as const;
      const spec = { heads: 1, headDim, seqLen: 1, start: position };
      rope(alone, x.slice(...range), table.cos, table.sin, 1, spec);
      expect(out.slice(...range)).toEqual(alone);
    }
  });
});
