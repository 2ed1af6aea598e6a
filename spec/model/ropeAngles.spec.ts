/** Settings of rotary embedding that overflow, in both formats. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { openGgufWeights } from '../../src/formats/gguf/weightSource.ts';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { parseHfConfig } from '../../src/formats/huggingface/config.ts';
import { hasFiniteAngles } from '../../src/model/ropeAngles.ts';
import { ropeTable } from '../../src/ops/ropeTable.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { tinyModel, typed } from '../formats/gguf/fixtures.ts';
import { llama } from '../formats/huggingface/configs.ts';

const hf = (fields: Record<string, unknown>): unknown => parseHfConfig({ ...llama, ...fields }, 'config.json');
const overflow = /rope_theta and the rope scaling give angles that are not finite numbers/;
const expected = /expected a number above 0/;

describe('config.json', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a factor of 5e-324', { rope_scaling: { type: 'linear', factor: 5e-324 } }, overflow],
    ['a factor of 1e-308', { rope_scaling: { type: 'linear', factor: 1e-308 } }, overflow],
    ['a theta of 5e-324', { rope_theta: 5e-324, head_dim: 128 }, overflow],
    ['both tiny', { rope_theta: 1e-200, rope_scaling: { type: 'linear', factor: 1e-200 } }, overflow],
    [
      'llama3 with a tiny factor',
      {
        rope_scaling: {
          rope_type: 'llama3',
          factor: 5e-324,
          low_freq_factor: 1e300,
          high_freq_factor: 1.5e300,
          original_max_position_embeddings: 8,
        },
      },
      overflow,
    ],
    ['a factor of 0', { rope_scaling: { type: 'linear', factor: 0 } }, expected],
    ['a factor below 0', { rope_scaling: { type: 'linear', factor: -4 } }, expected],
    ['an infinite factor', { rope_scaling: { type: 'linear', factor: Infinity } }, expected],
    ['a theta of 0', { rope_theta: 0 }, expected],
    ['a theta below 0', { rope_theta: -1 }, expected],
    ['an infinite theta', { rope_theta: Infinity }, expected],
  ])('%s is refused', (_, fields, message) => {
    expect(() => hf(fields)).toThrow(FormatError);
    expect(() => hf(fields)).toThrow(message);
  });
});

describe('GGUF', () => {
  const opened = (keys: Record<string, number>): Promise<unknown> => {
    const model = tinyModel('llama');
    for (const [key, value] of Object.entries(keys)) model.metadata.set(`llama.${key}`, typed('f64', value));
    return openGgufWeights(memoryBytes('a.gguf', serializeGguf(model)));
  };

  it.each([
    [{ 'rope.scaling.factor': 5e-324 }, /angles that are not finite/],
    [{ 'rope.scale_linear': 5e-324 }, /angles that are not finite/],
    [{ 'rope.freq_base': 5e-324, 'rope.scaling.factor': 1e-200 }, /angles that are not finite/],
    [{ 'rope.scaling.factor': -1 }, expected],
    [{ 'rope.scaling.factor': NaN }, expected],
    [{ 'rope.freq_base': 0 }, expected],
    [{ 'rope.freq_base': Infinity }, expected],
  ])('%j is refused', async (keys, message) => {
    await expect(opened(keys)).rejects.toThrow(FormatError);
    await expect(opened(keys)).rejects.toThrow(message);
  });

  it.each(['rope.scaling.factor', 'rope.scale_linear'])('%s of 0 means none, as for llama.cpp', async (key) => {
    expect(await opened({ [key]: 0 })).toMatchObject({
      weights: { config: { rope: { scaling: { type: 'default' } } } },
    });
  });
});

const extreme = fc.double({ min: 5e-324, max: 1.7e308, noNaN: true });
test.prop([extreme, extreme, fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 300 })], { numRuns: 300 })(
  'what passes gives a table of numbers, what gives a table of numbers passes',
  (theta, factor, pairs, positions) => {
    const { config } = parseHfConfig(llama, 'config.json');
    const rope = { theta, scaling: { type: 'linear', factor } } as const;
    const passes = hasFiniteAngles({ ...config, rope, headDim: 2 * pairs, maxPositionEmbeddings: positions });
    const { cos, sin } = ropeTable(rope, 2 * pairs, positions + 1);
    expect([...cos, ...sin].every(Number.isFinite)).toBe(passes);
  },
);
