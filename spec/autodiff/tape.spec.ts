import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { DeviceTensor } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { Tape, type TapeGradient } from '../../src/autodiff/tape.ts';
import type { TapeParameter } from '../../src/autodiff/tapeLinear.ts';
import { trainingForward } from '../../src/autodiff/trainingForward.ts';
import { seeds } from '../arbitraries.ts';
import { doubles, expectDerivative } from '../ops/differences.ts';
import { gradientSums, playAll, tinyBatch, tinyTrainee } from './tinyTrainee.ts';

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
      const [{ gradient }] = playAll(tape);
      const values = backend.read(gradient);
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
      const gradients = run((tape) =>
        playAll(tape).map(({ name, gradient }) => [name, backend.read(gradient)] as const),
      );
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
    expect(playAll(tape).map(({ name }) => name)).toEqual(['trained']);
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
    expect(playAll(tape).map(({ name }) => name)).toEqual(['trained']);
    scope.close();
  });

  it('refuses weights of another maker', () => {
    const backend = referenceBackend();
    const tape = new Tape(backend.scope());
    const foreign = backend.packLinear(new Float32Array(4), 2, 2, null);
    expect(() => tape.linear(tape.upload(new Float32Array(2), 1, 2), foreign)).toThrow(/not made by `projection`/);
  });
});

describe('gradients are handed over', () => {
  /** A model with a tied head, whose embedding is used first and last, on a fresh tape. */
  function played(seed: number, take: (finished: TapeGradient, left: number) => void): void {
    const backend = referenceBackend('f64');
    const scope = backend.scope();
    const tape = new Tape(scope);
    const trainee = tinyTrainee({ family: 'gpt2', precision: 'f64', seed, config: { tie_word_embeddings: true } });
    trainingForward(tape, trainee, tinyBatch(seed), 1);
    let left = trainee.trained.size;
    for (const finished of tape.gradients()) if (finished !== null) take(finished, --left);
    expect(left).toBe(0);
    scope.close();
    expect(backend.bytesInUse()).toBe(0);
  }

  it('each once, in the reverse order of first uses: a tied embedding last, with what its head gave', () => {
    const names: string[] = [];
    played(1, ({ name }) => names.push(name));
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(0, 2)).toEqual(['transformer.ln_f.bias', 'transformer.ln_f.weight']);
    expect(names.slice(-2)).toEqual(['transformer.wpe.weight', 'transformer.wte.weight']);
  });

  it('as soon as they are final: no later step changes or needs one', () => {
    const trainee = tinyTrainee({ family: 'gpt2', precision: 'f64', seed: 2 });
    const backend = referenceBackend('f64');
    const wanted = gradientSums(backend, trainee, tinyBatch(2));
    const scope = backend.scope();
    const tape = new Tape(scope);
    trainingForward(tape, trainee, tinyBatch(2), 1);
    for (const finished of tape.gradients()) {
      if (finished === null) continue;
      expect(backend.read(finished.gradient)).toEqual(wanted.get(finished.name));
      backend.free(scope.keep(finished.gradient));
    }
    scope.close();
    expect(backend.bytesInUse()).toBe(0);
  });

  it('not for a parameter that the loss does not depend on', () => {
    const backend = referenceBackend('f64');
    const scope = backend.scope();
    const tape = new Tape(scope);
    const [used, idle] = ['used', 'idle'].map((name) => tape.parameter(parameter(name, doubles(1, 3)), 1, 3));
    tape.scale(idle, 2);
    tape.crossEntropy(used, Int32Array.of(1), 1);
    expect(playAll(tape).map(({ name }) => name)).toEqual(['used']);
    scope.close();
  });
});

describe('a marked input', () => {
  test.prop([seeds])('gets its derivative, through a tape that begins with another tape’s', (seed) => {
    const backend = referenceBackend('f64');
    const [data, weight] = [doubles(seed, 6), doubles(seed + 1, 12)];
    const scope = backend.scope();
    const run = (x: DeviceTensor, tape: Tape): DeviceTensor =>
      tape.linear(tape.gelu(x, 'erf'), tape.projection(parameter('w', weight), 4, 3));
    const whole = new Tape(scope);
    const x = whole.input(scope.upload(data, 2, 3));
    whole.crossEntropy(run(x, whole), Int32Array.of(0, 3), 1);
    const gradients = playAll(whole).map(({ gradient }) => backend.read(gradient));
    // In two halves: the loss's tape first.
    const half = new Tape(scope);
    const y = run(half.input(x), half);
    const loss = new Tape(scope);
    loss.crossEntropy(loss.scale(loss.input(y), 1), Int32Array.of(0, 3), 1);
    playAll(loss);
    half.seed(y, loss.derivative(y));
    expect(playAll(half).map(({ gradient }) => backend.read(gradient))).toEqual(gradients);
    expect(backend.read(half.derivative(x))).toEqual(backend.read(whole.derivative(x)));
    scope.close();
  });

  it('has none where it was not marked', () => {
    const scope = referenceBackend('f64').scope();
    const tape = new Tape(scope);
    expect(() => tape.derivative(scope.upload(doubles(1, 2), 1, 2))).toThrow(/has no derivative/);
  });
});
