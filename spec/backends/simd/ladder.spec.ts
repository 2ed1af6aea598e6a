import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { offeredVariants } from '../../../src/backends/select.ts';
import { instantiateLadder, ladderNames } from '../../../src/backends/simd/ladderKernels.ts';
import { normals, seeds, sizes } from '../../arbitraries.ts';
import { worstError } from '../../contract/compare.ts';
import { f32Limits } from '../../contract/backendContract.ts';
import { linearOracle } from '../../contract/oracles.ts';

describe.each(offeredVariants())('the ladder to linear (%s)', (variant) => {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
  const rungs = instantiateLadder(variant, memory) ?? [];

  test.prop([fc.constantFrom(...ladderNames.keys()), fc.integer({ min: 1, max: 9 }), sizes, sizes, seeds])(
    'gives x Wᵀ on every rung, for the rows asked for and no others',
    (rung, rows, inFeatures, outFeatures, seed) => {
      const [x, w] = [normals(seed, rows * inFeatures), normals(seed + 1, outFeatures * inFeatures)];
      const floats = new Float32Array(memory.buffer);
      const [xAt, wAt, outAt] = [0, x.length, x.length + w.length];
      floats.set(x, xAt);
      floats.set(w, wAt);
      const out = floats.subarray(outAt, outAt + rows * outFeatures).fill(7);
      const from = seed % rows;
      rungs[rung](outAt * 4, xAt * 4, wAt * 4, inFeatures, outFeatures, from, rows);
      expect(out.subarray(0, from * outFeatures).every((value) => value === 7)).toBe(true);
      const oracle = linearOracle(x, w, null, rows, inFeatures, outFeatures);
      const part = (values: Float64Array): Float64Array => values.subarray(from * outFeatures);
      const error = worstError(
        out.slice(from * outFeatures),
        { values: part(oracle.values), terms: part(oracle.terms) },
        { ...f32Limits, termUlps: inFeatures },
      );
      expect(error).toBeLessThanOrEqual(1);
    },
  );
});
