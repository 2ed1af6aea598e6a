import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { silu, swiglu } from '../../src/ops/swiglu.ts';
import { normals, seeds } from '../arbitraries.ts';

const numbers = fc.double({ min: -700, max: 700, noNaN: true });

describe('silu', () => {
  test.prop([numbers])('takes what it leaves of −x: silu(x) − silu(−x) = x', (x) => {
    expect(Math.abs(silu(x) - silu(-x) - x)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(x)));
  });

  test.prop([numbers])('is x/2 · (1 + tanh(x/2))', (x) => {
    expect(silu(x)).toBeCloseTo((x / 2) * (1 + Math.tanh(x / 2)), 11);
  });

  it('has limits 0 and x', () => {
    expect([Math.abs(silu(-1e4)), silu(1e4), silu(0)]).toEqual([0, 1e4, 0]);
  });
});

describe('swiglu', () => {
  test.prop([fc.integer({ min: 1, max: 40 }), seeds])('is linear in `up` and gated by silu', (length, seed) => {
    const [gate, up] = [normals(seed, length), normals(seed + 1, length)];
    const out = new Float32Array(length);
    swiglu(out, gate, up, length);
    expect(out).toEqual(Float32Array.from(gate, (value, i) => silu(value) * up[i]));
    const doubled = new Float32Array(length);
    swiglu(
      doubled,
      gate,
      up.map((value) => 2 * value),
      length,
    );
    expect(doubled).toEqual(out.map((value) => 2 * value));
    // In place on either input.
    const [overGate, overUp] = [gate.slice(), up.slice()];
    swiglu(overGate, overGate, up, length);
    swiglu(overUp, gate, overUp, length);
    expect([overGate, overUp]).toEqual([out, out]);
  });
});
