import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../../src/errors.ts';
import { Fields } from '../../../src/formats/huggingface/fields.ts';
import { parseRope } from '../../../src/formats/huggingface/ropeConfig.ts';
import type { RopeConfig } from '../../../src/model/config.ts';

const parse = (json: object): RopeConfig => parseRope(new Fields(json, 'config.json'), 10_000).rope;

const positive = fc.double({ min: 1e-3, max: 1e9, noNaN: true });

test.prop([positive, positive, fc.constantFrom('type', 'rope_type')])(
  'old and new spelling say the same',
  (theta, factor, key) => {
    const expected = { theta, scaling: { type: 'linear', factor } };
    expect(parse({ rope_theta: theta, rope_scaling: { [key]: 'linear', factor } })).toEqual(expected);
    expect(parse({ rope_parameters: { rope_theta: theta, rope_type: 'linear', factor } })).toEqual(expected);
    expect(parse({ rope_theta: theta, rope_parameters: { rope_theta: theta, rope_type: 'linear', factor } })).toEqual(
      expected,
    );
  },
);

test('no scaling: absent, null, default', () => {
  const none = { theta: 10_000, scaling: { type: 'default' } };
  expect(parse({})).toEqual(none);
  expect(parse({ rope_scaling: null })).toEqual(none);
  expect(parse({ rope_scaling: { type: 'default' } })).toEqual(none);
  expect(parse({ rope_parameters: { rope_type: 'default', rope_theta: 10_000 } })).toEqual(none);
});

test('llama3', () => {
  const scaling = { factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
  expect(parse({ rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...scaling } })).toEqual({
    theta: 5e5,
    scaling: { type: 'llama3', factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 },
  });
  expect(() => parse({ rope_scaling: { rope_type: 'llama3', ...scaling, high_freq_factor: 1 } })).toThrow(
    /'high_freq_factor' must be above/,
  );
  expect(() => parse({ rope_scaling: { rope_type: 'llama3', factor: 2 } })).toThrow(
    /field 'rope_scaling.low_freq_factor' is missing/,
  );
});

describe('refused', () => {
  test.each(['yarn', 'dynamic', 'longrope', 'su', 'mrope', 'proportional'])('type %s', (type) => {
    expect(() => parse({ rope_scaling: { type, factor: 2 } })).toThrow(UnsupportedModelError);
    expect(() => parse({ rope_scaling: { type, factor: 2 } })).toThrow(`rope_scaling.rope_type = '${type}'`);
  });
  test('a part of each head, sections, settings a kind of layer', () => {
    expect(() => parse({ rope_parameters: { partial_rotary_factor: 0.5 } })).toThrow(/partial_rotary_factor = 0.5/);
    expect(() => parse({ rope_scaling: { type: 'default', mrope_section: [1] } })).toThrow(/mrope_section/);
    expect(() => parse({ rope_parameters: { full_attention: { rope_theta: 1 } } })).toThrow(UnsupportedModelError);
  });
  test('two spellings that disagree', () => {
    const linear = (factor: number): object => ({ rope_type: 'linear', factor });
    expect(() => parse({ rope_parameters: linear(2), rope_scaling: linear(4) })).toThrow(/disagree/);
    expect(() => parse({ rope_theta: 1, rope_parameters: { rope_theta: 2 } })).toThrow(/disagree/);
  });
  test('a factor that is not a positive number', () => {
    for (const factor of [0, -1, null, '2', true]) {
      expect(() => parse({ rope_scaling: { type: 'linear', factor } })).toThrow(FormatError);
    }
    expect(() => parse({ rope_scaling: 'linear' })).toThrow(/field 'rope_scaling' is not a JSON object/);
  });
});
