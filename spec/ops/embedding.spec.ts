import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { embedding } from '../../src/ops/embedding.ts';
import { linear } from '../../src/ops/linear.ts';
import { normals, seeds } from '../arbitraries.ts';

describe('embedding', () => {
  test.prop([fc.array(fc.nat(6), { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 9 }), seeds])(
    'is the product of one-hot rows with the table',
    (ids, cols, seed) => {
      const vocabulary = 7;
      const table = normals(seed, vocabulary * cols);
      const out = new Float32Array(ids.length * cols);
      embedding(out, table, Int32Array.from(ids), ids.length, cols);
      const oneHot = new Float32Array(ids.length * vocabulary);
      for (const [row, id] of ids.entries()) oneHot[row * vocabulary + id] = 1;
      const transposed = table.map((_, i) => table[(i % vocabulary) * cols + Math.floor(i / vocabulary)]);
      const expected = new Float32Array(out.length);
      linear(expected, oneHot, transposed, null, ids.length, vocabulary, cols);
      expect(out).toEqual(expected);
    },
  );
});
