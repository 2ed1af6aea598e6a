import { test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { parseHfConfig } from '../../src/formats/huggingface/config.ts';
import { expectedTensors } from '../../src/formats/huggingface/tensorShapes.ts';
import { Mask } from '../../src/model/mask.ts';
import { countParameters, type ParameterCounts } from '../../src/model/parameters.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { ratios } from '../../src/prune/ratios.ts';
import { someMask } from './tinySearch.ts';
import { layersOf } from '../model/layers.ts';

/** Parameters of a model that exists as shapes alone. */
function countsOf(json: Record<string, unknown>): ParameterCounts {
  const { config } = parseHfConfig(json, 'config.json');
  const tensors = new Map(
    [...expectedTensors(config)].map(([name, { shape }]) => [name, { shape, dtype: 'F32', bytes: 0 }]),
  );
  const refuse = (): never => {
    throw new Error('counting reads nothing');
  };
  const source: WeightSource = {
    name: 'shapes',
    config,
    tensors,
    tensor: refuse,
    rows: refuse,
    contentHash: refuse,
    assertUnchanged: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return countParameters(source);
}

it('by hand: the three senses of a removed share', () => {
  const byBlock = new Map([
    ['L0.mha', 10],
    ['L0.mlp', 30],
    ['L1.mha', 10],
    ['L1.mlp', 30],
  ]);
  const counts = { total: 200, blocks: 80, byBlock };
  expect(ratios(counts, Mask.empty)).toEqual({ total: 0, blocks: 0, depth: 0 });
  expect(ratios(counts, Mask.parse('L1.mlp', layersOf(2)))).toEqual({ total: 0.15, blocks: 0.375, depth: 0.25 });
  expect(ratios(counts, Mask.parse('L1.mlp,L0.mha', layersOf(2)))).toEqual({ total: 0.2, blocks: 0.5, depth: 0.5 });
});

const llama2 = { model_type: 'llama', vocab_size: 32_000 };
const shapes = {
  'Llama-2-7B': {
    ...llama2,
    hidden_size: 4096,
    intermediate_size: 11_008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 32,
  },
  'Llama-2-13B': {
    ...llama2,
    hidden_size: 5120,
    intermediate_size: 13_824,
    num_hidden_layers: 40,
    num_attention_heads: 40,
    num_key_value_heads: 40,
  },
  'Llama-3-8B': {
    model_type: 'llama',
    vocab_size: 128_256,
    hidden_size: 4096,
    intermediate_size: 14_336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
  },
  'SmolLM2-135M': {
    model_type: 'llama',
    vocab_size: 49_152,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    tie_word_embeddings: true,
  },
} as const;

// Totals as the models' own pages give them; shares as in BlockPruner's tables (Zhong et al. 2025),
// norms included.
it.each<[keyof typeof shapes, number, string, string]>([
  ['Llama-2-7B', 6_738_415_616, '0.9960', '2.0075'],
  ['Llama-2-13B', 13_015_864_320, '0.8057', '1.6314'],
  ['Llama-3-8B', 8_030_261_248, '0.5224', '2.1938'],
  ['SmolLM2-135M', 134_515_008, '0.6582', '1.9736'],
])('%s: %i parameters; an MHA is %s %, an MLP %s %', (name, total, mha, mlp) => {
  const counts = countsOf(shapes[name]);
  const percent = (block: string): string => (100 * ratios(counts, Mask.parse(block, layersOf(32))).total).toFixed(4);
  expect(counts.total).toBe(total);
  expect(percent('L3.mha')).toBe(mha);
  expect(percent('L3.mlp')).toBe(mlp);
});

const smol = countsOf(shapes['SmolLM2-135M']);

test.prop([someMask(30)])('shares lie between 0 and 1, do not depend on order, and grow with the set', (mask) => {
  const whole = ratios(smol, mask);
  const reversed = ratios(smol, Mask.of(mask.blocks.toReversed()));
  expect(reversed).toEqual(whole);
  const fewer = ratios(smol, Mask.of(mask.blocks.slice(1)));
  for (const sense of ['total', 'blocks', 'depth'] as const) {
    expect(whole[sense]).toBeGreaterThanOrEqual(0);
    expect(whole[sense]).toBeLessThanOrEqual(1);
    expect(fewer[sense] < whole[sense] || mask.size === 0).toBe(true);
  }
  expect(whole.depth).toBe(mask.size / 60);
  expect(whole.total).toBeCloseTo((whole.blocks * smol.blocks) / smol.total, 12);
});

it.each(Object.values(shapes))('all blocks gone: only `total` is below 1 ($hidden_size)', (shape) => {
  const counts = countsOf(shape);
  const all = Mask.parse([...counts.byBlock.keys()].join(','), layersOf(shape.num_hidden_layers));
  expect(ratios(counts, all)).toEqual({ total: counts.blocks / counts.total, blocks: 1, depth: 1 });
  expect(counts.blocks).toBeLessThan(counts.total);
});
