import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { duplicateKey } from '../../../src/formats/safetensors/duplicateKey.ts';

test.prop([fc.jsonValue(), fc.constantFrom(undefined, 1, '\t')])(
  'what JSON.stringify writes has none',
  (value, indent) => {
    expect(duplicateKey(JSON.stringify(value, null, indent))).toBeNull();
  },
);

test.prop([
  fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1 }),
  fc.array(fc.jsonValue(), { minLength: 1 }),
  fc.nat(),
  fc.constantFrom('', ' ', '\n\t'),
])('a key written twice in one object is found, wherever the object lies', (keys, values, pick, gap) => {
  const twice = keys[pick % keys.length];
  const entries = [...keys, twice].map(
    (key, i) => `${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(values[i % values.length])}`,
  );
  const object = `{${gap}${entries.join(`${gap},${gap}`)}${gap}}`;
  expect(duplicateKey(object)).toBe(twice);
  expect(duplicateKey(`[1,"a",{"b":[${object}]}]`)).toBe(twice);
});

test('keys are compared as what they say, not as they are written', () => {
  expect(duplicateKey(String.raw`{"a":1,"\u0061":2}`)).toBe('a');
  expect(duplicateKey(String.raw`{"a":{"a":"a","b":["a","a"]}}`)).toBeNull();
});
