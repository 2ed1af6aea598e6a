import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../../src/errors.ts';
import { Fields } from '../../../src/formats/huggingface/fields.ts';
import { noWindow, windowOfAllLayers, windowOfUpperLayers } from '../../../src/formats/huggingface/slidingWindow.ts';

const fields = (json: object): Fields => new Fields(json, 'config.json');
const windows = fc.integer({ min: 1, max: 1e6 });
const layerCounts = fc.integer({ min: 1, max: 40 });

describe('mistral', () => {
  test.prop([windows, layerCounts])('one window for all layers', (window, layers) => {
    expect(windowOfAllLayers(fields({ sliding_window: window }), layers)).toEqual(
      Array.from({ length: layers }, () => window),
    );
  });
  test('null is none, absent the default', () => {
    expect(windowOfAllLayers(fields({ sliding_window: null }), 2)).toEqual([null, null]);
    expect(windowOfAllLayers(fields({}), 2)).toEqual([4096, 4096]);
  });
  test('layer_types must agree', () => {
    const types = ['full_attention', 'sliding_attention'];
    expect(() => windowOfAllLayers(fields({ sliding_window: 8, layer_types: types }), 2)).toThrow(
      /full_attention with sliding_window 8/,
    );
    expect(() => windowOfAllLayers(fields({ sliding_window: 0 }), 2)).toThrow(FormatError);
  });
});

describe('qwen', () => {
  test.prop([windows, layerCounts, fc.nat(50)])('layers from max_window_layers on slide', (window, layers, first) => {
    const json = { use_sliding_window: true, sliding_window: window, max_window_layers: first };
    const result = windowOfUpperLayers(fields(json), layers);
    expect(result).toHaveLength(layers);
    for (const [layer, entry] of result.entries()) expect(entry).toBe(layer < first ? null : window);
  });
  test.prop([windows, fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), fc.nat(50)])(
    'layer_types decides where it is there',
    (window, slides, first) => {
      const types = slides.map((slide) => (slide ? 'sliding_attention' : 'full_attention'));
      const json = { use_sliding_window: true, sliding_window: window, max_window_layers: first, layer_types: types };
      expect(windowOfUpperLayers(fields(json), slides.length)).toEqual(slides.map((slide) => (slide ? window : null)));
    },
  );
  test.prop([windows, layerCounts])('no window unless use_sliding_window', (window, layers) => {
    const none = Array.from({ length: layers }, () => null);
    const json = { sliding_window: window, max_window_layers: 0 };
    expect(windowOfUpperLayers(fields(json), layers)).toEqual(none);
    expect(windowOfUpperLayers(fields({ ...json, use_sliding_window: false }), layers)).toEqual(none);
    expect(windowOfUpperLayers(fields({ use_sliding_window: true, sliding_window: null }), layers)).toEqual(none);
  });
  test('sliding layers without a window are refused', () => {
    expect(() => windowOfUpperLayers(fields({ layer_types: ['sliding_attention'] }), 1)).toThrow(UnsupportedModelError);
  });
  test('layer_types of the wrong length or with other kinds', () => {
    expect(() => windowOfUpperLayers(fields({ layer_types: ['full_attention'] }), 2)).toThrow(
      /is not a list of 2 names/,
    );
    expect(() => windowOfUpperLayers(fields({ layer_types: ['linear_attention'] }), 1)).toThrow(
      /layer_types = 'linear_attention'/,
    );
    expect(() => windowOfUpperLayers(fields({ max_window_layers: -1 }), 1)).toThrow(/'max_window_layers'/);
  });
});

test('llama has none, and a file that asks for one is refused', () => {
  expect(noWindow(fields({ sliding_window: null, layer_types: ['full_attention'] }), 1)).toEqual([null]);
  expect(() => noWindow(fields({ sliding_window: 4096 }), 1)).toThrow(/sliding_window = 4096/);
  expect(() => noWindow(fields({ layer_types: ['sliding_attention'] }), 1)).toThrow(UnsupportedModelError);
});
