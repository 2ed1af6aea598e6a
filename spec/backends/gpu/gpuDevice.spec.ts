import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attention } from '../../../src/backends/gpu/attention.ts';
import { gpuBackend } from '../../../src/backends/gpu/gpuBackend.ts';
import { GpuDevice, type GpuBuffer } from '../../../src/backends/gpu/gpuDevice.ts';
import { GPU_JS_VERSION, INSTALL_GPU, loadGpuJs, WEBGPU_VERSION } from '../../../src/backends/gpu/gpuJs.ts';
import { GpuTensor } from '../../../src/backends/gpu/gpuTensor.ts';
import { MemoryBudgetError, UnsupportedBackendError } from '../../../src/errors.ts';
import { normals } from '../../arbitraries.ts';
import { expectSameBits } from '../../contract/compare.ts';
import { webGpuMissing } from './webGpuMissing.ts';

const missing = await webGpuMissing();

it('the versions to install are those that package.json pins, and the docs name them', () => {
  const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  const { devDependencies, peerDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  expect([devDependencies['gpu.js'], peerDependencies['gpu.js']]).toEqual([GPU_JS_VERSION, GPU_JS_VERSION]);
  expect(devDependencies.webgpu).toBe(WEBGPU_VERSION);
  for (const page of ['docs/guide/gpu.md', 'docs/internals/gpu.md']) expect(read(page)).toContain(`\`${INSTALL_GPU}\``);
});

it('a budget that is used up is a MemoryBudgetError, and what is held stays whole', async () => {
  const backend = await gpuBackend({ mode: 'cpu', memoryBytes: 100 });
  expect(backend.capacityBytes).toBe(100);
  const data = normals(1, 20);
  const x = backend.store(data, 4, 5);
  const scope = backend.scope();
  expect(() => scope.add(x, x)).toThrow(MemoryBudgetError);
  expect(() => backend.allocate(4, 2)).toThrow(MemoryBudgetError);
  scope.close();
  expect(backend.bytesInUse()).toBe(80);
  expectSameBits(await backend.download(x), data);
  await backend.dispose();
});

describe('rows in pieces', () => {
  let device: GpuDevice;
  beforeAll(async () => {
    device = await GpuDevice.open(await loadGpuJs(), 'cpu', Infinity, null);
  });
  afterAll(() => device.dispose());

  it('attention gives the same bits however few scores may stand at a time', async () => {
    const spec = { numHeads: 4, numKvHeads: 2, headDim: 6, seqLen: 5, keyLen: 7, window: 4 };
    const [q, k, v] = [[15, 24] as const, [21, 12] as const, [21, 12] as const].map(([rows, cols], seed) => {
      return new GpuTensor(rows, cols, device.upload(normals(seed, rows * cols), rows, cols));
    });
    const whole = await device.read(attention(device, { q, k, v }, spec));
    for (const most of [1, 4 * 7 * 2, 4 * 7 * 8]) {
      const stacked = attention(device, { q, k, v }, spec, most);
      expectSameBits(await device.read(stacked), whole);
    }
  });

  it.each([
    ['one argument short', (x: GpuBuffer) => [x, 0]],
    ['a number for an array', () => [1, 0, 2]],
    ['half an integer', (x: GpuBuffer) => [x, 0.5, 2]],
    ['an array for an integer', (x: GpuBuffer) => [x, x, 2]],
  ] as const)('a call with %s does not reach its kernel', (_, args) => {
    const x = device.upload(normals(1, 4), 2, 2);
    expect(() => device.run('copy', 2, 2, args(x))).toThrow('gpu: copy takes array, integer, integer');
  });

  it('the log-sum-exp of more rows than one piece holds is that of each row', async () => {
    const backend = await gpuBackend({ mode: 'cpu' });
    const rows = 2100;
    const data = normals(7, rows * 2);
    const targets = Int32Array.from({ length: rows }, (_, row) => (row % 4) - 1);
    const tile = backend.packLinear(normals(8, 6), 3, 2, null);
    const score = async (from: number, to: number): Promise<Float32Array> => {
      const x = backend.store(data.slice(from * 2, to * 2), to - from, 2);
      const nll = await backend.finishNll(backend.nllTile(x, tile, 0, targets.slice(from, to), null));
      backend.free(x);
      return nll;
    };
    const all = await score(0, rows);
    expect(await score(2040, rows)).toEqual(all.slice(2040));
    expect(all.every((nll, row) => Number.isNaN(nll) === targets[row] < 0)).toBe(true);
    backend.freeLinear(tile);
    expect(backend.bytesInUse()).toBe(0);
    await backend.dispose();
  });
});

describe.skipIf(missing !== null)(`on WebGPU${missing === null ? '' : ` (${missing})`}`, () => {
  it('a lost device ends the backend with a typed error, and a new backend gets a new device', async () => {
    const backend = await gpuBackend({ mode: 'webgpu' });
    const x = backend.store(normals(1, 6), 2, 3);
    const { WebGPUContext } = await loadGpuJs();
    await WebGPUContext.destroy();
    const scope = backend.scope();
    await expect(async () => backend.download(scope.add(x, x))).rejects.toThrow(UnsupportedBackendError);
    expect(() => scope.add(x, x)).toThrow('lost');
    await backend.dispose();

    const again = await gpuBackend({ mode: 'webgpu' });
    expectSameBits(await again.download(again.store(normals(2, 6), 2, 3)), normals(2, 6));
    await again.dispose();
  });

  it('numbers its results by the adapter that computed them', async () => {
    const backend = await gpuBackend({ mode: 'webgpu' });
    expect(backend.description).toBe(`gpu (webgpu, ${backend.adapter?.name})`);
    expect(backend.variant).toBe(`gpu (gpu.js ${GPU_JS_VERSION}, webgpu, ${backend.adapter?.name})`);
    expect(backend.adapter?.software).toBe(backend.description.endsWith(', software)'));
    await backend.dispose();
  });
});
