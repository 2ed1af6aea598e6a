import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseHfConfig } from '../../../src/formats/huggingface/config.ts';
import { configJson } from '../../../src/formats/huggingface/configJson.ts';
import type { ModelConfig } from '../../../src/model/config.ts';
import { someFamily } from '../../model/modelArbitraries.ts';
import { tinyConfig } from '../../model/tinyTransformer.ts';

/** config.json files of every family, with what they may say beside sizes. */
const someFile = fc
  .record({
    family: someFamily,
    layers: fc.integer({ min: 1, max: 5 }),
    tied: fc.boolean(),
    biased: fc.boolean(),
    window: fc.constantFrom(null, 3, 64),
    upper: fc.nat(5),
    scaling: fc.constantFrom(
      null,
      { rope_type: 'linear', factor: 2.5 },
      {
        rope_type: 'llama3',
        factor: 8,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 32,
      },
    ),
    theta: fc.constantFrom(1e4, 500_000),
    eos: fc.constantFrom(null, 2, [2, 5]),
    eps: fc.constantFrom(1e-5, 1e-6),
  })
  .map(({ family, layers, tied, eos, ...draw }) => ({
    ...tinyConfig(family, layers),
    tie_word_embeddings: tied,
    eos_token_id: eos,
    pad_token_id: tied ? 3 : null,
    ...(family === 'gpt2'
      ? { activation_function: draw.biased ? 'gelu' : 'gelu_new', layer_norm_epsilon: draw.eps }
      : { rms_norm_eps: draw.eps, rope_theta: draw.theta, rope_scaling: draw.scaling }),
    ...(family === 'llama' ? { attention_bias: draw.biased, mlp_bias: !draw.biased } : {}),
    ...(family === 'qwen3' ? { attention_bias: draw.biased } : {}),
    ...(family === 'mistral' ? { sliding_window: draw.window } : {}),
    ...(family === 'qwen2' || family === 'qwen3'
      ? { use_sliding_window: draw.biased, sliding_window: draw.window, max_window_layers: draw.upper }
      : {}),
  }));

describe('configJson', () => {
  test.prop([someFile], { numRuns: 200 })('makes a file that reads back as the config, without a warning', (file) => {
    const { config } = parseHfConfig(file, 'config');
    const made = configJson(config) ?? expect.unreachable(JSON.stringify(file));
    const read = parseHfConfig(JSON.parse(JSON.stringify(made)), 'made');
    expect(read).toEqual({ config, unknownFields: [], idsOutside: [] });
  });

  const { config } = parseHfConfig(tinyConfig('llama', 3), 'config');
  it.each<[string, Partial<ModelConfig>]>([
    ['a block that is not there', { layers: config.layers.with(1, { ...config.layers[1], mha: null }) }],
    ['layers of two sizes', { layers: config.layers.with(1, { ...config.layers[1], mlp: { intermediateSize: 9 } }) }],
    ['divisors of frequencies', { rope: { theta: 1e4, scaling: { type: 'divisors', divisors: [1, 2, 3] } } }],
    ['biases on queries, keys and values alone', { attentionBias: { qkv: true, output: false } }],
    [
      'a window in a Llama',
      { layers: config.layers.map(({ mha, mlp }) => ({ mha: mha && { ...mha, window: 4 }, mlp })) },
    ],
  ])('makes none for %s', (_, other) => {
    expect(configJson({ ...config, ...other })).toBe(null);
  });
});
