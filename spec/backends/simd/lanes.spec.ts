import { describe, expect, it } from 'vitest';
import { offeredVariants } from '../../../src/backends/select.ts';
import { compileKernels, type Lanes } from '../../../src/backends/simd/kernels.ts';
import { measureLanes, type WidenVectors } from '../../../src/backends/simd/lanes.ts';
import { simdBackend } from '../../../src/backends/simd/simdBackend.ts';

describe('lanes', () => {
  // Nothing in this file asks the engine to join, whatever `widen` says.
  it.runIf(process.arch === 'x64' && offeredVariants().includes('relaxed-fma'))(
    'are four where the tile for eight is not joined and spills',
    () => {
      const module = compileKernels('relaxed-fma');
      expect(module === null ? 4 : measureLanes(module)).toBe(4);
    },
  );

  it.each<{ lanes?: Lanes; widen: boolean | null; asked: number; ran: number }>([
    { widen: null, asked: 0, ran: 4 },
    { widen: false, asked: 1, ran: 4 },
    { lanes: 4, widen: true, asked: 0, ran: 4 },
    { lanes: 8, widen: true, asked: 1, ran: 8 },
    { lanes: 8, widen: false, asked: 1, ran: 8 },
    { lanes: 8, widen: null, asked: 0, ran: 8 },
  ])('asked for $lanes, the engine willing: $widen, are $ran', async ({ lanes, widen, asked, ran }) => {
    let calls = 0;
    const ask: WidenVectors | null = widen === null ? null : () => calls++ < 0 || widen;
    const backend = await simdBackend({ memoryBytes: 2 ** 20, threads: 1, spawn: null, lanes, widen: ask });
    expect(backend.description).toContain(`${ran} lanes`);
    expect(calls).toBe(asked);
    await backend.dispose();
  });
});
