import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { add } from '../../src/ops/add.ts';

const floats = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('add', () => {
  test.prop([fc.array(fc.tuple(floats, floats))])(
    'is the correctly rounded f32 sum, either way round, in place too',
    (pairs) => {
      const x = Float32Array.from(pairs, ([first]) => first);
      const y = Float32Array.from(pairs, ([, second]) => second);
      const [out, swapped] = [new Float32Array(x.length), new Float32Array(x.length)];
      add(out, x, y, x.length);
      add(swapped, y, x, x.length);
      const expected = Float32Array.from(pairs, ([first, second]) => Math.fround(first + second));
      expect([out, swapped]).toEqual([expected, expected]);
      add(x, x, y, x.length);
      expect(x).toEqual(expected);
    },
  );
});
