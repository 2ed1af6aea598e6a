/** Damage as files suffer it: to their characters, and to the values a JSON text holds. */
import { fc } from '@fast-check/vitest';

type Damage = (text: string) => string;

/** A share of the text's length, all equally likely (`fc.double` would keep to the smallest). */
const place = fc.nat(2 ** 20 - 1).map((part) => part / 2 ** 20);

/** Some characters overwritten, some cut out, some put in twice, the end torn off. */
const damagedCharacters: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.constantFrom(...'[]{}",:0-9e\n\\ux\0🙂')).map(([at, char]): Damage => (text) => {
    const index = Math.floor(at * text.length);
    return text.slice(0, index) + char + text.slice(index + 1);
  }),
  fc
    .tuple(place, fc.integer({ min: 1, max: 30 }), fc.constantFrom(0, 2))
    .map(([at, length, times]): Damage => (text) => {
      const index = Math.floor(at * text.length);
      return text.slice(0, index) + text.slice(index, index + length).repeat(times) + text.slice(index + length);
    }),
  place.map(
    (at): Damage =>
      (text) =>
        text.slice(0, Math.floor(at * text.length)),
  ),
);

/** JSON texts that parse and still are not what anyone expects. */
const strangeValues: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('null', 'true', '-1', '0', '1', '1.5', '1e999', '-0', '9007199254740993'),
  fc.constantFrom('""', '"NaN"', '"mha"', '[]', '{}', '[null]', '[[1]]'),
  fc.constantFrom('{"toString":1}', '{"__proto__":[]}', '{"length":1}', '[[[[[[1]]]]]]'),
  fc.json({ maxDepth: 2 }),
);

/** One value of a JSON text, wherever it sits, replaced by another. */
const damagedValue: fc.Arbitrary<Damage> = fc.tuple(place, strangeValues).map(([at, value]): Damage => (text) => {
  // A scalar, or a bracketed list of scalars: found by their look, which is enough to do harm.
  const spots = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|null|\[[^[\]{}]*\]/g)];
  if (spots.length === 0) return value;
  const spot = spots[Math.floor(at * spots.length)];
  return text.slice(0, spot.index) + value + text.slice(spot.index + spot[0].length);
});

/** One or two of these. */
export const someTextDamage: fc.Arbitrary<Damage> = fc
  .array(fc.oneof(damagedCharacters, { weight: 2, arbitrary: damagedValue }), { minLength: 1, maxLength: 2 })
  .map(
    (damages): Damage =>
      (text) =>
        damages.reduce((damaged, damage) => damage(damaged), text),
  );
