import { describe, expect, it } from 'vitest';
import { simdBackend } from '../../../src/backends/simd/simdBackend.ts';
import { MemoryBudgetError } from '../../../src/errors.ts';
import { normals } from '../../arbitraries.ts';

it.each([
  ['its sums', 0],
  // Eight rows of three f64.
  ['its ids', 192],
  ['its logits', 4096],
])('a head tile that finds no room for %s leaves nothing behind', async (_, left) => {
  const backend = await simdBackend({ memoryBytes: 2 ** 20, threads: 1, spawn: null });
  const x = backend.store(normals(1, 24), 8, 3);
  const tile = backend.packLinear(normals(2, 15), 5, 3, null);
  const filling = (backend.capacityBytes - backend.bytesInUse() - left) / 4;
  backend.allocate(1, filling);
  const before = backend.bytesInUse();
  expect(() => backend.nllTile(x, tile, 0, new Int32Array(8), null)).toThrow(MemoryBudgetError);
  expect(backend.bytesInUse()).toBe(before);
  await backend.dispose();
});

it('norms of the smallest numbers, with no eps to hold them, are what they are in f64', async () => {
  const backend = await simdBackend({ memoryBytes: 2 ** 20, threads: 1, spawn: null });
  const scope = backend.scope();
  const x = Float32Array.of(3e-39, -3e-39, 3e-39, 3e-39, -3e-39);
  const [row, ones] = [scope.upload(x, 1, 5), scope.upload(new Float32Array(5).fill(1), 1, 5)];
  const found = await backend.download(scope.rmsNorm(row, ones, 0));
  expect([...found].map((value) => value.toFixed(5))).toEqual([...x].map((value) => Math.sign(value).toFixed(5)));
  await backend.dispose();
});

describe('memory for the kernel itself', () => {
  /** A backend in which `left` bytes are free beside q, k, v [keyLen, D] and the result. */
  async function attended(keyLen: number, headDim: number, left: (scratch: number) => number): Promise<() => void> {
    const backend = await simdBackend({ memoryBytes: 2 ** 22, threads: 1, spawn: null });
    const x = backend.allocate(keyLen, headDim);
    const scope = backend.scope();
    const result = Math.ceil((keyLen * headDim * 4) / 64) * 64;
    const free = left(backend.scratchBytes(keyLen, headDim));
    backend.allocate(1, (backend.capacityBytes - backend.bytesInUse() - result - free) / 4);
    const spec = { numHeads: 1, numKvHeads: 1, headDim, seqLen: keyLen, keyLen, window: null };
    return () => void scope.attention(x, x, x, spec);
  }

  it.each([
    [300, 64],
    [500, 32],
  ])('attention over %s keys in heads of %s takes scratchBytes and no more', async (keyLen, headDim) => {
    expect(await attended(keyLen, headDim, (scratch) => Math.ceil(scratch / 64) * 64)).not.toThrow();
    expect(await attended(keyLen, headDim, (scratch) => Math.floor((0.9 * scratch) / 64) * 64)).toThrow(
      MemoryBudgetError,
    );
  });

  it.each([
    ['its sums', 0],
    ['its panels', 24 * 24 * 8],
  ])('a Gram matrix that finds no room for %s leaves nothing behind but its result', async (_, left) => {
    const backend = await simdBackend({ memoryBytes: 2 ** 20, threads: 1, spawn: null });
    const x = backend.store(normals(1, 40), 2, 20);
    const scope = backend.scope();
    const result = 20 * 20 * 4;
    backend.allocate(1, (backend.capacityBytes - backend.bytesInUse() - result - left) / 4);
    const before = backend.bytesInUse();
    expect(() => scope.gram(x)).toThrow(MemoryBudgetError);
    scope.close();
    expect(backend.bytesInUse()).toBe(before);
    await backend.dispose();
  });
});
