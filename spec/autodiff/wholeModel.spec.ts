/** Gradients of whole models against differences, in f64: families, heads, masks, adapters. */
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { Mask } from '../../src/model/mask.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { healingTrainee } from '../../src/train/heal.ts';
import type { Parameters } from '../../src/autodiff/parameters.ts';
import type { Trainee } from '../../src/autodiff/trainee.ts';
import { difference } from '../ops/differences.ts';
import { gradientSums, lossSum, tinyBatch, tinyTrainee, type TinyTraineeOptions } from './tinyTrainee.ts';
import { layersOf } from '../model/layers.ts';

const models: [string, TinyTraineeOptions][] = [
  ['a Llama with grouped heads', {}],
  ['a Llama whose head is its embedding', { config: { tie_word_embeddings: true } }],
  ['a Llama with biases everywhere', { config: { attention_bias: true, mlp_bias: true } }],
  ['a Mistral with a window', { family: 'mistral', config: { sliding_window: 3 } }],
  ['a Qwen2', { family: 'qwen2' }],
  ['a Qwen3, which norms queries and keys', { family: 'qwen3' }],
  ['a GPT-2', { family: 'gpt2' }],
  [
    'a GPT-2 with the exact GELU and a head of its own',
    { family: 'gpt2', config: { activation_function: 'gelu', tie_word_embeddings: false } },
  ],
  ['a Llama without two of its blocks', { mask: Mask.parse('L0.mlp,L1.mha', layersOf(2)) }],
];

function inDoubles(parameters: Parameters): Parameters {
  return new Map([...parameters].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]));
}

/** Compares some elements of every trained tensor, relative to the tensor's gradient. */
function expectGradients(trainee: Trainee, perTensor: number): void {
  const backend = referenceBackend('f64');
  const batch = tinyBatch(5);
  const gradients = gradientSums(backend, trainee, batch);
  const used = [...trainee.trained].filter((name) => {
    const [, layer, module] = /\.(\d+)\.(self_attn|input|mlp|post)/.exec(name) ?? [];
    const kind = module === 'mlp' || module === 'post' ? 'mlp' : 'mha';
    return layer === undefined || !trainee.mask.has({ layer: Number(layer), kind });
  });
  expect([...gradients.keys()].toSorted()).toEqual(used.toSorted());
  const rng = seededRng(9);
  for (const [name, gradient] of gradients) {
    const { data } = trainee.parameters.get(name) ?? {};
    if (!(data instanceof Float64Array)) throw new Error(`${name} is not in f64`);
    const length = Math.hypot(...gradient) / Math.sqrt(gradient.length);
    for (let draw = 0; draw < perTensor; draw++) {
      const i = rng.int(data.length);
      const wanted = difference(() => lossSum(backend, trainee, batch), data, i);
      // The scale of a tensor whose true gradient is 0 (a key's bias shifts all scores alike) is
      // rounding.
      expect(Math.abs(gradient[i] - wanted), `${name}[${i}]`).toBeLessThanOrEqual(
        1e-6 * Math.max(length, Math.abs(wanted)) + 1e-9,
      );
    }
  }
  expect(backend.bytesInUse()).toBe(0);
}

describe('the gradient of', () => {
  it.each(models)('%s is what differences say', (_, options) => {
    expectGradients(tinyTrainee({ ...options, precision: 'f64' }), 3);
  });

  it.each(['llama', 'gpt2'] as const)('adapters on a pruned %s is what differences say', (family) => {
    const { config, parameters } = tinyTrainee({ family });
    const mask = Mask.parse('L0.mlp,L1.mha', layersOf(2));
    const trainee = healingTrainee(config, parameters, mask, { rank: 3, alpha: 5 }, seededRng(1));
    const all = inDoubles(trainee.parameters);
    // B begins at zero, where A has no slope: move it away.
    const rng = seededRng(2);
    for (const [name, { data }] of all)
      if (name.endsWith('lora_B.weight')) for (let i = 0; i < data.length; i++) data[i] = 0.3 * rng.normal();
    expectGradients({ ...trainee, parameters: all }, 2);
  });
});
