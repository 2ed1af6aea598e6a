/** Python's own numbers, from CPython's `random.randint`. */
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { PythonRandom } from '../../src/tensor/pythonRandom.ts';

const drawn = (seed: number, most: readonly number[]): number[] => {
  const random = new PythonRandom(seed);
  return most.map((value) => random.upTo(value));
};

it.each([
  [0, '6 6 0 0 1 1 10177486 15991940 5 3 541903389 149544006 605242169 300101783'],
  [1, '2 9 0 0 0 1 15082417 15845920 6 3 100780963 523832096 60875732 1918383731'],
  [42, '1 0 0 0 0 0 3439167 2917183 6 0 31994523 100604502 469521477 499635468'],
  [2 ** 32, '1 5 0 0 0 1 15160416 469705 2 1 878813522 465102791 1076069606 674649827'],
  [2 ** 40 + 12_345, '4 5 0 0 0 0 4636380 2960898 4 0 206102883 297648361 824237638 1604391967'],
  [2 ** 53 - 1, '1 8 0 0 0 0 3251220 722409 7 7 37486751 288511346 898074082 82395657'],
])('seed %d draws what Python draws', (seed, wanted) => {
  const most = [9, 0, 1, 0xffffff, 7, 1e9, 2 ** 31 - 2].flatMap((value) => [value, value]);
  expect(drawn(seed, most).join(' ')).toBe(wanted);
});

it('goes on to Python’s numbers beyond the first 624', () => {
  const found = drawn(
    0,
    Array.from({ length: 2000 }, () => 999_999),
  );
  expect([found[0], found[1], found[2], found[1999]]).toEqual([885_440, 403_958, 794_772, 734_096]);
});

test.prop([fc.nat(Number.MAX_SAFE_INTEGER), fc.integer({ min: 0, max: 2 ** 31 - 2 })])(
  'a number lies from 0 to the most, and is the same again',
  (seed, most) => {
    const all = drawn(
      seed,
      Array.from({ length: 20 }, () => most),
    );
    for (const value of all) expect(Number.isInteger(value) && value >= 0 && value <= most).toBe(true);
    expect(
      drawn(
        seed,
        Array.from({ length: 20 }, () => most),
      ),
    ).toEqual(all);
  },
);
