import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from '../../../src/errors.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import type { TypedValue } from '../../../src/formats/gguf/valueTypes.ts';
import type { ModelConfig } from '../../../src/model/config.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { f32Tensor, tinyModel, typed } from './fixtures.ts';

/** The config of a tiny model of arch llama with one more key. */
async function configWith(key: string, value: TypedValue): Promise<ModelConfig> {
  const model = tinyModel('llama');
  model.metadata.set(`llama.${key}`, value);
  return (await openGgufWeights(memoryBytes('x.gguf', serializeGguf(model)))).weights.config;
}

const f32 = (value: number): TypedValue => typed('f32', value);
const u32 = (value: number): TypedValue => typed('u32', value);
const bool = (value: boolean): TypedValue => typed('bool', value);

describe('RoPE scaling', () => {
  const rope = async (change: (model: ReturnType<typeof tinyModel>) => void): Promise<ModelConfig['rope']> => {
    const model = tinyModel('llama');
    change(model);
    return (await openGgufWeights(memoryBytes('x.gguf', serializeGguf(model)))).weights.config.rope;
  };

  it('is linear where a factor stands alone, as llama.cpp reads it, under both of its names', async () => {
    const linear = { type: 'linear', factor: 4 };
    for (const key of ['rope.scaling.factor', 'rope.scale_linear']) {
      expect(await rope(({ metadata }) => metadata.set(`llama.${key}`, f32(4)))).toMatchObject({ scaling: linear });
    }
  });

  it('has the divisors of the tensor rope_freqs.weight', async () => {
    const divisors = Float32Array.of(1, 8);
    const found = await rope(({ tensors }) => tensors.set('rope_freqs.weight', f32Tensor([2], divisors)));
    expect(found).toMatchObject({ scaling: { type: 'divisors', divisors: [1, 8] } });
  });
});

describe('keys of which one value alone is computed', () => {
  it.each<[string, TypedValue, TypedValue]>([
    // Scales cos and sin with every type of scaling, and so every attention logit.
    ['rope.scaling.attn_factor', f32(1), f32(1.3)],
    ['expert_count', u32(0), u32(8)],
    ['logit_scale', f32(1), f32(0.0625)],
    ['residual_scale', f32(1), f32(0.22)],
    ['embedding_scale', f32(1), f32(12)],
    ['attn_logit_softcapping', f32(0), f32(50)],
    ['final_logit_softcapping', f32(0), f32(30)],
    ['use_parallel_residual', bool(false), bool(true)],
    ['attention.causal', bool(true), bool(false)],
    ['attention.scale', f32(0), f32(0.0078125)],
    ['attention.max_alibi_bias', f32(0), f32(8)],
    ['attention.clamp_kqv', f32(0), f32(8)],
    ['attention.temperature_scale', f32(0), f32(0.1)],
    ['rope.scaling.type', typed('string', 'none'), typed('string', 'yarn')],
    ['rope.dimension_count', u32(4), u32(2)],
    ['attention.value_length', u32(4), u32(8)],
  ])('%s', async (key, neutral, other) => {
    const plain = (await openGgufWeights(memoryBytes('x.gguf', serializeGguf(tinyModel('llama'))))).weights.config;
    expect(await configWith(key, neutral)).toEqual(plain);
    await expect(configWith(key, other)).rejects.toThrow(UnsupportedModelError);
    await expect(configWith(key, other)).rejects.toThrow(`llama.${key} = `);
  });
});
