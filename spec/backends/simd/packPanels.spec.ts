import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { packPanels, panelFloats } from '../../../src/backends/simd/packPanels.ts';
import { normals, seeds } from '../../arbitraries.ts';

describe('packPanels', () => {
  test.prop([fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 }), seeds])(
    'puts W[o, i] at panel ⌊o/8⌋, step i, lane o mod 8, and zero where there is no o',
    (n, k, seed) => {
      const weight = normals(seed, n * k);
      const panels = new Float32Array(panelFloats(n, k)).fill(NaN);
      packPanels(panels, weight, n, k);
      for (const [at, value] of panels.entries()) {
        const [panel, step, lane] = [Math.floor(at / (8 * k)), Math.floor(at / 8) % k, at % 8];
        const o = panel * 8 + lane;
        expect(value).toBe(o < n ? weight[o * k + step] : 0);
      }
    },
  );
});
