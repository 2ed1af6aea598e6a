/**
 * Laws that hold for the gradients of every model, whatever its weights and its text. Where the
 * loss does not change as W is scaled by c and U by 1 / c, Σ W·dL/dW = Σ U·dL/dU. They need no data
 * and no differences, so they reach the last digits of f64.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Floats } from '../../src/backends/gradients.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { mhaTensorNames, mlpTensorNames, modelTensorNames, type NormNames } from '../../src/model/tensorNames.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { Trainee } from '../../src/autodiff/trainee.ts';
import { seeds } from '../arbitraries.ts';
import { someFamily, someMask } from '../model/modelArbitraries.ts';
import { difference } from '../ops/differences.ts';
import { gradientSums, lossSum, tinyBatch, tinyTrainee, type TinyTraineeOptions } from './tinyTrainee.ts';

/**
 * Terms that should add up to the same, with how large they are: of that, f64 keeps all but the
 * last digits.
 */
class Sum {
  value = 0;
  size = 0;

  add(weight: Floats, gradient: Floats, from = 0, to = weight.length): this {
    for (let i = from; i < to; i++) {
      this.value += weight[i] * gradient[i];
      this.size += Math.abs(weight[i] * gradient[i]);
    }
    return this;
  }
}

/** The sums of W·dL/dW of one model, by tensor. */
class Sums {
  readonly trainee: Trainee;
  readonly gradients: ReadonlyMap<string, Floats>;

  constructor(trainee: Trainee, seed: number) {
    this.trainee = trainee;
    const backend = referenceBackend('f64');
    this.gradients = gradientSums(backend, trainee, tinyBatch(seed));
    expect(backend.bytesInUse()).toBe(0);
  }

  /**
   * s of all the named tensors together; null stands for a tensor that the family does not have.
   */
  of(...names: readonly (string | null)[]): Sum {
    const sum = new Sum();
    for (const name of names) if (name !== null) sum.add(this.weight(name), this.gradient(name));
    return sum;
  }

  /** s of some rows of a matrix, and of the same part of its bias. */
  rows(name: string, bias: string | null, from: number, to: number): Sum {
    const { shape } = this.trainee.parameters.get(name) ?? expect.unreachable(name);
    const sum = new Sum().add(this.weight(name), this.gradient(name), from * shape[1], to * shape[1]);
    return bias === null ? sum : sum.add(this.weight(bias), this.gradient(bias), from, to);
  }

  weight(name: string): Floats {
    return this.trainee.parameters.get(name)?.data ?? expect.unreachable(name);
  }

  gradient(name: string): Floats {
    return this.gradients.get(name) ?? expect.unreachable(name);
  }
}

function expectEqual(found: Sum, wanted: Sum, law: string): void {
  const scale = found.size + wanted.size;
  expect(Math.abs(found.value - wanted.value), law).toBeLessThanOrEqual(1e-11 * scale + 1e-14);
}

/** No epsilon in the norms, so that they do not see the scale of a row. */
const NO_EPSILON = { rms_norm_eps: 1e-60, layer_norm_epsilon: 1e-60 };

/** Every family, grouped heads, biases where they may be, with some of its blocks removed. */
const someModel: fc.Arbitrary<TinyTraineeOptions> = fc
  .record({
    family: someFamily,
    seed: seeds,
    mask: someMask(2),
    biased: fc.boolean(),
    kvHeads: fc.constantFrom(1, 2, 4),
  })
  .map(({ family, seed, mask, biased, kvHeads }) => ({
    family,
    seed,
    mask,
    precision: 'f64',
    config: {
      ...NO_EPSILON,
      tie_word_embeddings: false,
      num_key_value_heads: kvHeads,
      ...(family === 'llama' ? { attention_bias: biased, mlp_bias: biased } : {}),
    },
  }));

const normNames = ({ weight, bias }: NormNames): (string | null)[] => [weight, bias];

/**
 * q, k and v of a layer, each with its bias: matrices of their own, or the rows of GPT-2's fused
 * one.
 */
function projections(sums: Sums, config: ModelConfig, layer: number): { q: Sum; k: Sum; v: Sum; weights: Sum } {
  const { qkv } = mhaTensorNames(config, layer);
  if ('fused' in qkv) {
    const { weight, bias } = qkv.fused;
    const part = (at: number): Sum => sums.rows(weight, bias, at * config.hiddenSize, (at + 1) * config.hiddenSize);
    return { q: part(0), k: part(1), v: part(2), weights: sums.of(weight) };
  }
  const { q, k, v } = qkv;
  return {
    q: sums.of(q.weight, q.bias),
    k: sums.of(k.weight, k.bias),
    v: sums.of(v.weight, v.bias),
    weights: sums.of(q.weight, k.weight, v.weight),
  };
}

function expectMhaLaws(sums: Sums, config: ModelConfig, layer: number): void {
  const { norm, output, qNorm, kNorm } = mhaTensorNames(config, layer);
  const { q, k, v, weights } = projections(sums, config, layer);
  // The output matrix alone: its bias does not pass through the values.
  expectEqual(v, sums.of(output.weight), `L${layer}: values and output`);
  // A norm is seen by its projections' weights alone, not by their biases.
  expectEqual(sums.of(...normNames(norm)), weights, `L${layer}: norm and projections`);
  if (qNorm === null || kNorm === null) return expectEqual(q, k, `L${layer}: queries and keys`);
  // Heads are normed: the scale of queries and keys is their gains' alone.
  const zero = (sum: Sum, law: string): void => expectEqual(sum, new Sum(), law);
  if (!config.attentionBias.qkv) {
    zero(q, `L${layer}: queries before a norm`);
    zero(k, `L${layer}: keys before a norm`);
  }
  expectEqual(sums.of(qNorm), sums.of(kNorm), `L${layer}: gains of queries and keys`);
}

function expectMlpLaws(sums: Sums, config: ModelConfig, layer: number): void {
  const { norm, gate, up, down } = mlpTensorNames(config, layer);
  expectEqual(sums.of(...normNames(norm)), sums.of(gate?.weight ?? null, up.weight), `L${layer}: norm and gate, up`);
  // GELU is not homogeneous: GPT-2 has no such law.
  if (gate !== null) expectEqual(sums.of(up.weight, up.bias), sums.of(down.weight), `L${layer}: up and down`);
}

describe('the gradients of any model', () => {
  test.prop([someModel, seeds], { numRuns: 60 })('obey the laws of its scalings', (options, seed) => {
    const trainee = tinyTrainee(options);
    const { config, mask } = trainee;
    const sums = new Sums(trainee, seed);
    for (const { kind, layer } of walkOf(config, mask)) {
      if (kind === 'mha') expectMhaLaws(sums, config, layer);
      else expectMlpLaws(sums, config, layer);
    }
    const { embedding, positions, finalNorm, head } = modelTensorNames(config);
    expectEqual(sums.of(...normNames(finalNorm)), sums.of(head), 'final norm and head');
    // Scaling the whole residual stream, what writes to it included, changes nothing.
    const writers = walkOf(config, mask).flatMap(({ kind, layer }) => {
      const { weight, bias } =
        kind === 'mha' ? mhaTensorNames(config, layer).output : mlpTensorNames(config, layer).down;
      return [weight, bias];
    });
    expectEqual(sums.of(embedding, positions, ...writers), new Sum(), 'the residual stream');
  });

  test.prop([someModel, seeds, fc.nat(99)], { numRuns: 20 })(
    'give the slope of a gate on a block as the sum over its output projection',
    (options, seed, pick) => {
      const trainee = tinyTrainee(options);
      const { config, mask } = trainee;
      const walk = walkOf(config, mask);
      fc.pre(walk.length > 0);
      const { kind, layer } = walk[pick % walk.length];
      const { weight, bias } =
        kind === 'mha' ? mhaTensorNames(config, layer).output : mlpTensorNames(config, layer).down;
      const backend = referenceBackend('f64');
      const gate = Float64Array.of(1);
      const gated = (): number => {
        const parameters = new Map(trainee.parameters);
        for (const name of [weight, bias]) {
          const { shape, data } = (name === null ? undefined : parameters.get(name)) ?? { shape: [], data: gate };
          if (name !== null) parameters.set(name, { shape, data: Float64Array.from(data, (value) => gate[0] * value) });
        }
        return lossSum(backend, { ...trainee, parameters }, tinyBatch(seed));
      };
      const found = new Sums(trainee, seed).of(weight, bias);
      expect(Math.abs(found.value - difference(gated, gate, 0))).toBeLessThan(1e-6 * (1 + found.size));
    },
  );

  test.prop([someModel, seeds], { numRuns: 30 })(
    'move along no direction that the softmax or the attention does not see',
    (options, seed) => {
      const trainee = tinyTrainee(options);
      const { config, mask } = trainee;
      const sums = new Sums(trainee, seed);
      // The same number added to every logit changes nothing: a column of the head's gradient adds
      // up to 0.
      const head = sums.gradient(modelTensorNames(config).head);
      for (let column = 0; column < config.hiddenSize; column++) {
        let [sum, size] = [0, 0];
        for (let i = column; i < head.length; i += config.hiddenSize) {
          sum += head[i];
          size += Math.abs(head[i]);
        }
        expect(Math.abs(sum)).toBeLessThanOrEqual(1e-12 * size);
      }
      // Nor does a key's bias without rotation: it adds the same to all scores of a query.
      if (config.rope !== null) return;
      for (const { kind, layer } of walkOf(config, mask)) {
        const { qkv } = mhaTensorNames(config, layer);
        if (kind !== 'mha' || !('fused' in qkv)) continue;
        const bias = sums.gradient(qkv.fused.bias ?? expect.unreachable());
        const keys = bias.subarray(config.hiddenSize, 2 * config.hiddenSize);
        expect(Math.hypot(...keys)).toBeLessThanOrEqual(1e-11 * Math.hypot(...bias));
      }
    },
  );

  test.prop([someModel, seeds, fc.integer({ min: -4, max: 4 })], { numRuns: 20 })(
    'score a pair of matrices alike, to the last bit, however a power of two is shared between them',
    (options, seed, power) => {
      const trainee = tinyTrainee(options);
      const { config, mask } = trainee;
      const pairs = walkOf(config, mask).flatMap(({ kind, layer }): [string[], string][] => {
        if (kind === 'mlp') {
          const { gate, up, down } = mlpTensorNames(config, layer);
          return gate === null ? [] : [[[up.weight, up.bias].filter((name) => name !== null), down.weight]];
        }
        const { qkv, output } = mhaTensorNames(config, layer);
        return 'fused' in qkv ? [] : [[[qkv.v.weight, qkv.v.bias].filter((name) => name !== null), output.weight]];
      });
      const parameters = new Map(trainee.parameters);
      const scale = (name: string, by: number): void => {
        const { shape, data } = parameters.get(name) ?? expect.unreachable(name);
        parameters.set(name, { shape, data: Float64Array.from(data, (value) => value * by) });
      };
      for (const [first, second] of pairs) {
        for (const name of first) scale(name, 2 ** power);
        scale(second, 2 ** -power);
      }
      const [before, after] = [new Sums(trainee, seed), new Sums({ ...trainee, parameters }, seed)];
      for (const name of before.gradients.keys()) expect(after.of(name), name).toEqual(before.of(name));
    },
  );

  test.prop([someModel, seeds], { numRuns: 20 })(
    'are zero behind an output projection of zeros, and only there',
    (options, seed) => {
      const trainee = tinyTrainee({ ...options, mask: undefined });
      const { config } = trainee;
      const { norm, gate, up, down } = mlpTensorNames(config, 1);
      const parameters = new Map(trainee.parameters);
      const { shape, data } = parameters.get(down.weight) ?? expect.unreachable();
      parameters.set(down.weight, { shape, data: new Float64Array(data.length) });
      const sums = new Sums({ ...trainee, parameters }, seed);
      const behind = new Set([...normNames(norm), gate?.weight, gate?.bias, up.weight, up.bias]);
      for (const [name, gradient] of sums.gradients) {
        const zero = gradient.every((value) => value === 0);
        expect(zero, name).toBe(behind.has(name));
      }
    },
  );
});
