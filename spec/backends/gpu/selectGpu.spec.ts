import { describe, expect, it, test } from 'vitest';
import { INSTALL_GPU } from '../../../src/backends/gpu/gpuJs.ts';
import { selectGpu } from '../../../src/backends/gpu/selectGpu.ts';
import { selectBackend } from '../../../src/backends/select.ts';
import { UnsupportedBackendError } from '../../../src/errors.ts';
import { offerWebGpu } from '../../../src/platform/nodeWebGpu.ts';
import { webGpuMissing } from './webGpuMissing.ts';

const missing = await webGpuMissing();
const unavailable = (): Promise<string> => Promise.resolve(`the package webgpu is not installed: ${INSTALL_GPU}`);

describe('a mode that is asked for', () => {
  test.each(['cpu', 'webasm'] as const)('%s runs, and nothing else', async (mode) => {
    const { backend, why } = await selectBackend({
      name: 'gpu',
      gpuMode: mode,
      threads: 1,
      memoryBytes: 2 ** 20,
      spawn: null,
    });
    expect([backend.description, backend.capacityBytes]).toEqual([`gpu (${mode})`, 2 ** 20]);
    expect(why).toContain(mode);
    await backend.dispose();
  });

  // Under Node without the package gl.
  test.each(['webgl2', 'headlessgl'] as const)('%s says what is missing', async (mode) => {
    const refused = expect(selectGpu(mode, 2 ** 20, null)).rejects;
    await refused.toThrow(UnsupportedBackendError);
    await expect(selectGpu(mode, 2 ** 20, null)).rejects.toThrow(new RegExp(`^--gpu-mode ${mode}: .+\\. .+\\.$`));
  });

  it('webgpu says what to install', async () => {
    await expect(selectGpu('webgpu', 2 ** 20, unavailable)).rejects.toThrow(
      /^--gpu-mode webgpu: .*: npm install gpu\.js@2\.\S+ webgpu@0\.\S+ --omit=optional\.$/,
    );
  });
});

describe('no mode asked for', () => {
  it('names every path in one line where there is no GPU', async () => {
    if (missing === null) await offerWebGpu();
    const found = await selectGpu(undefined, 2 ** 20, () => Promise.resolve(null)).catch((error: unknown) => error);
    // A machine with a real GPU has nothing to refuse.
    if (!(found instanceof Error)) return;
    expect(found).toBeInstanceOf(UnsupportedBackendError);
    for (const mode of ['webgpu', 'webgl2', 'headlessgl']) expect(found.message).toContain(`${mode}: `);
    expect(found.message).not.toContain('\n');
  });

  it.skipIf(missing !== null)('never takes a software adapter for a GPU', async () => {
    const found = await selectGpu(undefined, 2 ** 20, offerWebGpu).catch((error: unknown) => error);
    if (found instanceof Error) expect(found.message).toContain('software');
    else expect(found).toMatchObject({ adapter: { software: false } });
  });
});
