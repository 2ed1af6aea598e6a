import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { gelu, type GeluKind } from '../../src/ops/gelu.ts';
import { geluBackward } from '../../src/ops/geluBackward.ts';
import { swiglu } from '../../src/ops/swiglu.ts';
import { swigluBackward } from '../../src/ops/swigluBackward.ts';
import { seeds } from '../arbitraries.ts';
import { doubles, expectDerivative, inner } from './differences.ts';

const lengths = fc.integer({ min: 1, max: 12 });
const spreads = fc.constantFrom(0.1, 1, 4);
const kinds: GeluKind[] = ['tanh', 'erf'];

describe('the backward of swiglu', () => {
  test.prop([lengths, spreads, seeds], { numRuns: 40 })(
    'is what differences of the forward say',
    (length, spread, seed) => {
      const gate = doubles(seed, length).map((value) => spread * value);
      const [up, dy] = [doubles(seed + 1, length), doubles(seed + 2, length)];
      const loss = (): number => {
        const y = new Float64Array(length);
        swiglu(y, gate, up, length);
        return inner(y, dy);
      };
      const [dGate, dUp] = [new Float64Array(length), new Float64Array(length)];
      swigluBackward(dGate, dUp, dy, gate, up, length);
      expectDerivative(dGate, loss, gate);
      expectDerivative(dUp, loss, up);
      // In place over both inputs.
      swigluBackward(gate, up, dy, gate, up, length);
      expect([gate, up]).toEqual([dGate, dUp]);
    },
  );

  it('is shut far below zero and open far above, without NaN', () => {
    const [dGate, dUp] = [new Float64Array(2), new Float64Array(2)];
    swigluBackward(dGate, dUp, Float64Array.of(1, 1), Float64Array.of(-1e4, 1e4), Float64Array.of(3, 3), 2);
    expect([...dGate].map(Math.abs)).toEqual([0, 3]);
    expect([...dUp].map(Math.abs)).toEqual([0, 1e4]);
  });
});

describe.each(kinds)('the backward of gelu (%s)', (kind) => {
  test.prop([lengths, spreads, seeds], { numRuns: 40 })(
    'is what differences of the forward say',
    (length, spread, seed) => {
      const x = doubles(seed, length).map((value) => spread * value);
      const dy = doubles(seed + 1, length);
      const loss = (): number => {
        const y = new Float64Array(length);
        gelu(y, x, kind, length);
        return inner(y, dy);
      };
      const dx = new Float64Array(length);
      geluBackward(dx, dy, x, kind, length);
      expectDerivative(dx, loss, x);
    },
  );

  it('is shut far below zero and open far above, without NaN', () => {
    const dx = new Float64Array(2);
    geluBackward(dx, Float64Array.of(1, 1), Float64Array.of(-1e4, 1e4), kind, 2);
    expect([...dx].map(Math.abs)).toEqual([0, 1]);
  });
});
