import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { rope } from '../../src/ops/rope.ts';
import { ropeBackward } from '../../src/ops/ropeBackward.ts';
import { ropeTable } from '../../src/ops/ropeTable.ts';
import { seeds } from '../arbitraries.ts';
import { doubles, inner } from './differences.ts';

const shape = fc.record({
  heads: fc.integer({ min: 1, max: 3 }),
  headDim: fc.constantFrom(2, 4, 6, 8),
  seqLen: fc.integer({ min: 1, max: 5 }),
  start: fc.nat(3),
  sequences: fc.integer({ min: 1, max: 2 }),
});

describe('the backward of rope', () => {
  test.prop([shape, seeds])('is its transpose: dy · rope(x) = ropeBackward(dy) · x', ({ sequences, ...spec }, seed) => {
    const rows = sequences * spec.seqLen;
    const length = rows * spec.heads * spec.headDim;
    const { cos, sin } = ropeTable(
      { theta: 100, scaling: { type: 'default' } },
      spec.headDim,
      spec.start + spec.seqLen,
    );
    const [x, dy] = [doubles(seed, length), doubles(seed + 1, length)];
    const [y, dx] = [new Float64Array(length), new Float64Array(length)];
    rope(y, x, cos, sin, rows, spec);
    ropeBackward(dx, dy, cos, sin, rows, spec);
    expect(Math.abs(inner(dy, y) - inner(dx, x))).toBeLessThan(1e-12 * length);
    // And the rotation undone, as far as the table's f32 cosines and sines make one.
    ropeBackward(y, y, cos, sin, rows, spec);
    for (const [i, value] of y.entries()) expect(value).toBeCloseTo(x[i], 5);
  });
});
