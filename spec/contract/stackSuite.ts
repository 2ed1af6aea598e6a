import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { normals, seeds } from '../arbitraries.ts';
import { expectSameBits } from './compare.ts';

/**
 * Rows of a part, those of its array above and below where it is a view, and whether an op made it
 * just before.
 */
const somePart = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  above: fc.oneof(fc.constant(0), fc.nat(5)),
  below: fc.oneof(fc.constant(0), fc.nat(5)),
  result: fc.boolean(),
});

/** Streams as one: what candidates that share a pass rely on. */
export function stackSuite(backend: () => Backend): void {
  describe('stack', () => {
    test.prop([fc.array(somePart, { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 40 }), seeds])(
      "is the parts' rows, one part below the other, in an array of its own",
      async (parts, cols, seed) => {
        const scope = backend().scope();
        const arrays = parts.map(({ rows, above, below }, index) => {
          return backend().store(normals(seed + index, (above + rows + below) * cols), above + rows + below, cols);
        });
        const handles = parts.map(({ rows, above, below, result }, index) => {
          const part = above + below === 0 ? arrays[index] : scope.view(arrays[index], above, above + rows);
          return result ? scope.add(part, part) : part;
        });
        const expected = parts.flatMap(({ rows, above, result }, index) => {
          const data = normals(seed + index, (above + rows) * cols).subarray(above * cols);
          return [...(result ? data.map((value) => value + value) : data)];
        });
        const stacked = scope.stack(handles);
        expect([stacked.rows, stacked.cols]).toEqual([expected.length / cols, cols]);
        // A copy: what becomes of the parts does not reach it.
        for (const array of arrays) backend().writeRows(array, 0, scope.upload(normals(seed - 1, cols), 1, cols));
        for (const array of arrays) backend().free(array);
        expectSameBits(await backend().download(stacked), Float32Array.from(expected));
        backend().free(scope.keep(stacked));
        scope.close();
      },
    );

    test.prop([fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 }), seeds])(
      'may have a part more than once, and stacks be stacked',
      async (rows, cols, seed) => {
        const scope = backend().scope();
        const data = normals(seed, rows * cols);
        const twice = scope.stack([scope.upload(data, rows, cols), scope.upload(data, rows, cols)]);
        const six = await backend().download(scope.stack([twice, twice, twice]));
        expectSameBits(six, Float32Array.from([data, data, data, data, data, data].flatMap((part) => [...part])));
        scope.close();
      },
    );
  });
}
