import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { DeviceTensor } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { Tape, type TapeParameter } from '../../src/autodiff/tape.ts';
import { seeds } from '../arbitraries.ts';
import { doubles, expectDerivative } from '../ops/differences.ts';

const parameter = (name: string, data: Float64Array, trained = true): TapeParameter => ({ name, data, trained });

describe('Tape', () => {
  test.prop([seeds])('adds up over all uses of an array', (seed) => {
    // loss = Σ nll of z = x + x + 3x; dx is five times that of z = x alone at the same z.
    const backend = referenceBackend('f64');
    const logits = doubles(seed, 4);
    const targets = Int32Array.of(1);
    const gradientOf = (data: Float64Array, uses: boolean): Float64Array => {
      const scope = backend.scope();
      const tape = new Tape(scope);
      const x = tape.parameter(parameter('x', data), 1, 4);
      tape.crossEntropy(uses ? tape.add(tape.add(x, x), tape.scale(x, 3)) : x, targets, 1);
      const gradient = tape.backward().get('x');
      const values = gradient === undefined ? new Float64Array(4) : backend.read(gradient);
      scope.close();
      return Float64Array.from(values);
    };
    const once = gradientOf(logits, false);
    const spread = gradientOf(
      logits.map((value) => value / 5),
      true,
    );
    for (const [i, value] of spread.entries()) expect(value).toBeCloseTo(5 * once[i], 12);
  });

  test.prop([fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), seeds])(
    'splits the derivative of stacked rows among their parts, one that is there twice included',
    (above, below, seed) => {
      const backend = referenceBackend('f64');
      const [x, y] = [doubles(seed, above * 4), doubles(seed + 1, below * 4)];
      const targets = Int32Array.from({ length: 2 * above + below }, (_, row) => (row * 3) % 4);
      const run = <T>(read: (tape: Tape, nll: DeviceTensor) => T): T => {
        const scope = backend.scope();
        const tape = new Tape(scope);
        const upper = tape.parameter(parameter('x', x), above, 4);
        const lower = tape.gelu(tape.parameter(parameter('y', y), below, 4), 'erf');
        const result = read(tape, tape.crossEntropy(tape.stack([upper, lower, upper]), targets, 1));
        scope.close();
        return result;
      };
      const loss = (): number =>
        run((_, nll) => Float64Array.from(backend.read(nll)).reduce((sum, value) => sum + value, 0));
      const gradients = run((tape) => [...tape.backward()].map(([name, dx]) => [name, backend.read(dx)] as const));
      expect(gradients.map(([name]) => name).toSorted()).toEqual(['x', 'y']);
      for (const [name, dx] of gradients) expectDerivative(Float64Array.from(dx), loss, name === 'x' ? x : y);
      expect(backend.bytesInUse()).toBe(0);
    },
  );

  it('asks for no derivative that no trained parameter needs', () => {
    const backend = referenceBackend('f64');
    const scope = backend.scope();
    const tape = new Tape(scope);
    const frozen = tape.projection(parameter('frozen', doubles(1, 6), false), 2, 3);
    const trained = tape.projection(parameter('trained', doubles(2, 4)), 2, 2);
    const x = tape.linear(tape.upload(doubles(3, 3), 1, 3), frozen);
    tape.crossEntropy(tape.linear(x, trained), Int32Array.of(0), 1);
    expect([...tape.backward().keys()]).toEqual(['trained']);
    // Neither was packed for a backward: what is before them needs none.
    expect([frozen.transposed, trained.transposed]).toEqual([null, null]);
    scope.close();
    expect(backend.bytesInUse()).toBe(0);
  });

  it('passes through frozen weights to trained ones before them', () => {
    const backend = referenceBackend('f64');
    const scope = backend.scope();
    const tape = new Tape(scope);
    const trained = tape.projection(parameter('trained', doubles(2, 6)), 2, 3, parameter('bias', doubles(4, 2), false));
    const frozen = tape.projection(parameter('frozen', doubles(1, 4), false), 2, 2);
    tape.crossEntropy(tape.linear(tape.linear(tape.upload(doubles(3, 3), 1, 3), trained), frozen), Int32Array.of(0), 1);
    expect([...tape.backward().keys()]).toEqual(['trained']);
    scope.close();
  });

  it('refuses weights of another maker', () => {
    const backend = referenceBackend();
    const tape = new Tape(backend.scope());
    const foreign = backend.packLinear(new Float32Array(4), 2, 2, null);
    expect(() => tape.linear(tape.upload(new Float32Array(2), 1, 2), foreign)).toThrow(/not made by `projection`/);
  });
});
