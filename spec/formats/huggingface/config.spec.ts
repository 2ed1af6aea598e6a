import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../../src/errors.ts';
import { parseHfConfig } from '../../../src/formats/huggingface/config.ts';
import { configFields, familyNames, type ModelConfig } from '../../../src/model/config.ts';
import { hasShared, sharedPath } from '../../shared.ts';
import { expectWhole, mutated, nestedJson, survives } from '../hostile.ts';
import { families, gpt2, llama, llamaLikes, mistral, qwen2, qwen3 } from './configs.ts';

const parse = (json: unknown): ModelConfig => parseHfConfig(json, 'config.json').config;

test.prop([
  fc.record({
    layers: fc.integer({ min: 1, max: 64 }),
    kvHeads: fc.integer({ min: 1, max: 16 }),
    group: fc.integer({ min: 1, max: 8 }),
    halfDim: fc.integer({ min: 1, max: 128 }),
    intermediate: fc.integer({ min: 1, max: 65_536 }),
    vocabulary: fc.integer({ min: 1, max: 300_000 }),
    eps: fc.double({ min: 1e-12, max: 1e-2, noNaN: true }),
    theta: fc.double({ min: 1, max: 1e8, noNaN: true }),
    explicitDim: fc.boolean(),
    tied: fc.boolean(),
  }),
  fc.constantFrom(...Object.keys(llamaLikes)),
])('sizes and numbers arrive as the file has them', (drawn, family) => {
  const heads = drawn.kvHeads * drawn.group;
  const headDim = 2 * drawn.halfDim;
  const explicit = drawn.explicitDim || family === 'qwen3';
  const config = parse({
    ...llamaLikes[family as keyof typeof llamaLikes],
    num_hidden_layers: drawn.layers,
    num_attention_heads: heads,
    num_key_value_heads: drawn.kvHeads,
    hidden_size: explicit ? 10 : heads * headDim,
    ...(explicit ? { head_dim: headDim } : {}),
    intermediate_size: drawn.intermediate,
    vocab_size: drawn.vocabulary,
    rms_norm_eps: drawn.eps,
    rope_theta: drawn.theta,
    tie_word_embeddings: drawn.tied,
  });
  expect(configFields(config)).toMatchObject({
    family,
    numHiddenLayers: drawn.layers,
    numAttentionHeads: heads,
    numKeyValueHeads: drawn.kvHeads,
    headDim,
    intermediateSize: drawn.intermediate,
    vocabSize: drawn.vocabulary,
    norm: { type: 'rms', eps: drawn.eps },
    rope: { theta: drawn.theta, scaling: { type: 'default' } },
    tieWordEmbeddings: drawn.tied,
  });
  expect(config.layers).toHaveLength(drawn.layers);
});

describe('what a missing field means', () => {
  test('llama: no biases, own head, as many key heads as query heads', () => {
    const { num_key_value_heads: _, ...rest } = llama;
    expect(configFields(parse(rest))).toMatchObject({
      numKeyValueHeads: 6,
      headDim: 8,
      norm: { eps: 1e-6 },
      rope: { theta: 10_000 },
      attentionBias: { qkv: false, output: false },
      mlpBias: false,
      qkNorm: false,
      tieWordEmbeddings: false,
      maxPositionEmbeddings: 2048,
      bosTokenId: null,
      eosTokenIds: [],
      slidingWindow: [null, null, null],
    });
  });
  test('mistral: a window of 4096, eight key heads', () => {
    const { sliding_window: _, num_key_value_heads: __, ...rest } = mistral;
    const { layers } = parse({ ...rest, num_attention_heads: 8 });
    expect(layers).toHaveLength(3);
    for (const { mha } of layers) expect(mha).toEqual({ heads: 8, kvHeads: 8, window: 4096 });
  });
  test('qwen2: biases on q, k and v alone', () => {
    expect(parse(qwen2)).toMatchObject({ attentionBias: { qkv: true, output: false }, qkNorm: false });
  });
  test('qwen3: head size 128, norms of q and k', () => {
    expect(parse(qwen3)).toMatchObject({ headDim: 128, qkNorm: true, attentionBias: { qkv: false, output: false } });
  });
  test('gpt2: tied head, MLP four times as wide, tanh GELU', () => {
    expect(configFields(parse(gpt2))).toMatchObject({
      tieWordEmbeddings: true,
      intermediateSize: 192,
      mlp: 'gelu_new',
      rope: null,
      learnedPositions: true,
      norm: { type: 'layer', eps: 1e-5 },
      attentionBias: { qkv: true, output: true },
      mlpBias: true,
    });
    expect(configFields(parse({ ...gpt2, n_inner: 100, activation_function: 'gelu' }))).toMatchObject({
      intermediateSize: 100,
      mlp: 'gelu',
    });
  });
  test.each([
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'vocab_size',
    'model_type',
  ])('llama without %s is refused by that name', (field) => {
    const rest = Object.fromEntries(Object.entries(llama).filter(([name]) => name !== field));
    expect(() => parse(rest)).toThrow(new RegExp(`^config.json: field '${field}' is missing`));
  });
  test.each(['n_embd', 'n_layer', 'n_head', 'n_positions', 'vocab_size'])('gpt2 without %s likewise', (field) => {
    const rest = Object.fromEntries(Object.entries(gpt2).filter(([name]) => name !== field));
    expect(() => parse(rest)).toThrow(new RegExp(`field '${field}' is missing`));
  });
});

describe('values of the wrong kind', () => {
  test.each([
    [{ hidden_size: '48' }, /field 'hidden_size' is '48', expected a whole number/],
    [{ hidden_size: 48.5 }, /field 'hidden_size' is 48.5/],
    [{ num_hidden_layers: 0 }, /field 'num_hidden_layers' is 0/],
    [{ num_hidden_layers: 1e9 }, /field 'num_hidden_layers' is 1000000000, expected a whole number from 1 to 4096/],
    [{ vocab_size: -1 }, /field 'vocab_size'/],
    [{ num_key_value_heads: 4 }, /'num_attention_heads' \(6\) is not a multiple of 'num_key_value_heads' \(4\)/],
    [{ num_key_value_heads: 12 }, /is not a multiple of 'num_key_value_heads'/],
    [{ head_dim: 7 }, /field 'head_dim' is 7, an odd number/],
    [{ hidden_size: 50 }, /'hidden_size' \(50\) is not a multiple of 'num_attention_heads' \(6\)/],
    [{ rms_norm_eps: 0 }, /field 'rms_norm_eps' is 0/],
    [{ rope_theta: 'big' }, /field 'rope_theta' is 'big'/],
    [{ attention_bias: 1 }, /field 'attention_bias' is 1, expected true or false/],
    [{ tie_word_embeddings: 'yes' }, /field 'tie_word_embeddings'/],
    [{ eos_token_id: [1, 'x'] }, /field 'eos_token_id' is an array of 2, expected a token id/],
    [{ hidden_act: ['silu'] }, /field 'hidden_act' is an array of 1, expected a string/],
    [{ model_type: null }, /field 'model_type' is missing/],
  ])('%j', (change, message) => {
    expect(() => parse({ ...llama, ...change })).toThrow(FormatError);
    expect(() => parse({ ...llama, ...change })).toThrow(message);
  });
  test.each([[null], [[]], ['llama'], [7]])('the config %j', (json) => {
    expect(() => parse(json)).toThrow(/config.json: the config is not a JSON object/);
  });
});

describe('what would change the numbers is refused by name and value', () => {
  test.each<[keyof typeof families, Record<string, unknown>, RegExp]>([
    [
      'llama',
      { model_type: 'bert' },
      new RegExp(`model_type 'bert' is not supported\\. Supported: ${familyNames.join(', ')}`),
    ],
    ['llama', { model_type: 'toString' }, /model_type 'toString' is not supported/],
    ['llama', { hidden_act: 'gelu' }, /hidden_act = 'gelu'/],
    ['llama', { partial_rotary_factor: 0.5 }, /partial_rotary_factor = 0.5/],
    ['llama', { attention_multiplier: 0.1 }, /attention_multiplier = 0.1/],
    ['llama', { residual_multiplier: 0.22 }, /residual_multiplier = 0.22/],
    ['llama', { logits_scaling: 8 }, /logits_scaling = 8/],
    ['llama', { logit_scale: 0.0625 }, /logit_scale/],
    ['llama', { quantization_config: { quant_method: 'gptq' } }, /quantization_config = an object/],
    ['llama', { num_local_experts: 8 }, /num_local_experts = 8/],
    ['llama', { use_parallel_residual: true }, /use_parallel_residual = true/],
    ['llama', { rope_interleaved: true }, /rope_interleaved = true/],
    ['llama', { pruned_heads: { 0: [1] } }, /pruned_heads = an object/],
    ['llama', { per_layer_config: { 5: { skip: ['mlp'] } } }, /per_layer_config/],
    ['llama', { sliding_window: 4096 }, /sliding_window = 4096/],
    ['llama', { final_logit_softcapping: 30 }, /final_logit_softcapping = 30/],
    ['mistral', { attention_bias: true }, /attention_bias = true/],
    ['qwen3', { mlp_bias: true }, /mlp_bias = true/],
    ['qwen3', { num_experts: 128 }, /num_experts = 128/],
    ['gpt2', { activation_function: 'relu' }, /activation_function = 'relu'/],
    ['gpt2', { scale_attn_weights: false }, /scale_attn_weights = false/],
    ['gpt2', { scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx = true/],
    ['gpt2', { add_cross_attention: true }, /add_cross_attention = true/],
  ])('%s with %j', (family, change, message) => {
    const json = { ...families[family], ...change };
    expect(() => parse(json)).toThrow(UnsupportedModelError);
    expect(() => parse(json)).toThrow(message);
  });
});

test("swish is silu by transformers' other name", () => {
  expect(parse({ ...llama, hidden_act: 'swish' })).toEqual(parse({ ...llama, hidden_act: 'silu' }));
});

test('fields that change nothing pass in silence, others are named', () => {
  const { config, unknownFields } = parseHfConfig(
    {
      ...llama,
      architectures: ['LlamaForCausalLM'],
      torch_dtype: 'bfloat16',
      pretraining_tp: 2,
      quantization_config: null,
      logit_scale: 1,
      per_layer_config: {},
      rope_interleaved: false,
      attention_dropout: 0.1,
      rope_scaling: { rope_type: 'linear', factor: 2, novelty: 1 },
      an_invention: true,
    },
    'config.json',
  );
  expect(unknownFields).toEqual(['an_invention', 'rope_scaling.novelty']);
  expect(config.rope).toEqual({ theta: 10_000, scaling: { type: 'linear', factor: 2 } });
});

test('token ids: one, several, none, and Llama 1’s −1', () => {
  const json = { ...llama, bos_token_id: 1, eos_token_id: [2, 7], pad_token_id: -1 };
  expect(parse(json)).toMatchObject({ bosTokenId: 1, eosTokenIds: [2, 7], padTokenId: null });
  expect(parse({ ...llama, bos_token_id: null, eos_token_id: 2 })).toMatchObject({
    bosTokenId: null,
    eosTokenIds: [2],
  });
});

test('biases: all four projections of llama and qwen3 at once', () => {
  expect(parse({ ...llama, attention_bias: true, mlp_bias: true })).toMatchObject({
    attentionBias: { qkv: true, output: true },
    mlpBias: true,
  });
  expect(parse({ ...qwen3, attention_bias: true }).attentionBias).toEqual({ qkv: true, output: true });
  expect(parse({ ...qwen2, attention_bias: false }).attentionBias).toEqual({ qkv: true, output: false });
});

describe('any JSON gives a config or a typed error', () => {
  const check = (json: unknown): Promise<void> =>
    survives(
      () => parseHfConfig(json, 'config.json'),
      (parsed) => {
        const { config } = parsed;
        expectWhole(parsed);
        for (const { mha } of config.layers) expect((mha?.heads ?? NaN) % (mha?.kvHeads ?? NaN)).toBe(0);
        expect(Number.isInteger(config.headDim)).toBe(true);
      },
    );
  test.prop([fc.jsonValue()], { numRuns: 2000 })('random values', check);
  const fields = [
    ...Object.keys({ ...llama, ...gpt2 }),
    ...'head_dim rms_norm_eps rope_theta rope_scaling rope_parameters layer_types sliding_window'.split(' '),
    ...'use_sliding_window max_window_layers eos_token_id attention_bias n_inner hidden_act'.split(' '),
  ];
  const values = fc.oneof(
    fc.constantFrom<unknown>(0, 1, -1, 2, 3, 6, 1e300, 0.5, null, true, false, '', 'silu', [], {}, 2 ** 53),
    fc.record({ rope_type: fc.constantFrom('linear', 'llama3', 'yarn', 7), factor: fc.jsonValue() }),
    fc.array(fc.constantFrom('full_attention', 'sliding_attention', 3), { minLength: 3, maxLength: 3 }),
    fc.jsonValue(),
  );
  test.prop(
    [fc.constantFrom(...Object.values(families)), fc.dictionary(fc.constantFrom(...fields), values, { maxKeys: 3 })],
    {
      numRuns: 5000,
    },
  )('good configs with a few fields changed', (base, changes) => check({ ...base, ...changes }));
  const full = { ...llama, rope_scaling: { rope_type: 'linear', factor: 2 }, layer_types: ['full_attention'] };
  test.prop([fc.constantFrom(full, ...Object.values(families)).chain((base) => mutated(base))], { numRuns: 4000 })(
    'configs with fields exchanged, removed and renamed',
    check,
  );
  test.each(['rope_scaling', 'rope_parameters', 'layer_types', 'model_type', 'pruned_heads', 'eos_token_id'])(
    'a %s nested as deep as JSON allows',
    async (field) => {
      await check({ ...llama, [field]: nestedJson(1e5) });
      await check({
        ...llama,
        rope_parameters: nestedJson(1e5),
        rope_scaling: nestedJson(1e5),
        [field]: nestedJson(9),
      });
    },
  );
});

describe.skipIf(!hasShared)('golden models (skipped without the golden data)', () => {
  const golden = (name: string): unknown =>
    JSON.parse(readFileSync(sharedPath('golden/hf', name, 'config.json'), 'utf8'));
  test.each([
    ['llama', { family: 'llama', headDim: 8, tieWordEmbeddings: false }],
    ['llama-linear-rope', { rope: { theta: 10_000, scaling: { type: 'linear', factor: 4 } } }],
    [
      'llama-rope3',
      {
        rope: {
          theta: 500_000,
          scaling: {
            type: 'llama3',
            factor: 8,
            lowFreqFactor: 1,
            highFreqFactor: 4,
            originalMaxPositionEmbeddings: 64,
          },
        },
      },
    ],
    ['llama-tied-bias', { tieWordEmbeddings: true, attentionBias: { qkv: true, output: true }, mlpBias: true }],
    ['mistral-swa', { family: 'mistral', slidingWindow: [8, 8, 8] }],
    ['qwen2', { family: 'qwen2', attentionBias: { qkv: true, output: false }, slidingWindow: [null, null, null] }],
    ['qwen3', { family: 'qwen3', headDim: 16, qkNorm: true }],
    ['qwen3-tied', { family: 'qwen3', tieWordEmbeddings: true }],
    [
      'gpt2',
      { family: 'gpt2', hiddenSize: 48, intermediateSize: 192, numAttentionHeads: 4, maxPositionEmbeddings: 128 },
    ],
  ])('%s', (name, expected) => {
    const { config, unknownFields } = parseHfConfig(golden(name), name);
    const general = { vocabSize: 263, numHiddenLayers: 3, bosTokenId: 1, eosTokenIds: [2] };
    expect(configFields(config)).toMatchObject({ ...general, ...expected });
    expect(unknownFields).toEqual([]);
  });
});
