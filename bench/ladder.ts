/** The rungs below `linear` (src/backends/simd/assembly/ladder.ts), called as they are: one thread, no backend. */
import type { KernelVariant } from '../src/backends/simd/kernels.ts';
import { instantiateLadder, ladderNames } from '../src/backends/simd/ladderKernels.ts';
import { values, type KernelCase } from './kernelCases.ts';

/** Shape of all rungs; kernelCases.ts times `linear` at the same one. Few rows: the first rung is slow. */
export const ladderShape: readonly [rows: number, inFeatures: number, outFeatures: number] = [96, 576, 1536];

/** Each rung as a case; there is no backend to prepare. */
export function ladderCases(variant: KernelVariant, shape: typeof ladderShape): KernelCase[] {
  const [rows, k, n] = shape;
  const bytes = 4 * (rows * k + n * k + rows * n);
  const pages = Math.ceil(bytes / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const [x, w, out] = [0, 4 * rows * k, 4 * (rows * k + n * k)];
  new Float32Array(memory.buffer).set(values(rows * k + n * k));
  const rungs = instantiateLadder(variant, memory) ?? [];
  return rungs.map((rung, index) => {
    const run = (): void => rung(out, x, w, k, n, 0, rows);
    const name = `${ladderNames[index]} ${rows}×${k}×${n}`;
    const close = (): void => {};
    return {
      name,
      amount: (2 * rows * k * n) / 1e9,
      unit: 'GFLOP/s',
      bound: 'arithmetic',
      prepare: () => ({ run, close }),
    };
  });
}
