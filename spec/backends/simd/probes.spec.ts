import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as select from '../../../src/backends/select.ts';

/** Modules anew, so that nothing is compiled or probed yet. */
const fresh = (): Promise<typeof select> => import('../../../src/backends/select.ts');

const request = { threads: 1, memoryBytes: 2 ** 22, spawn: null };
const PAGE = 65_536;

/** WebAssembly with other constructors, as a smaller device or a stricter page has it. */
function stubWebAssembly(changes: object): void {
  const real = WebAssembly;
  const names = Object.getOwnPropertyNames(real) as (keyof typeof WebAssembly)[];
  vi.stubGlobal('WebAssembly', { ...Object.fromEntries(names.map((name) => [name, real[name]])), ...changes });
}

/** A memory class that gives shared memories of at most so many bytes, their maximum counted. */
function memoryUpTo(bytes: number): typeof WebAssembly.Memory {
  return class extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if ((descriptor.maximum ?? 0) * PAGE > bytes)
        throw new RangeError('WebAssembly.Memory(): could not allocate memory');
      super(descriptor);
    }
  };
}

describe('where WebAssembly is short of something', () => {
  beforeEach(() => vi.resetModules());
  afterEach(() => vi.unstubAllGlobals());

  it('asks for no more addresses than the budget has', async () => {
    stubWebAssembly({ Memory: memoryUpTo(2 ** 23) });
    const { selectBackend } = await fresh();
    const { backend } = await selectBackend({ ...request, name: 'simd', widen: () => true });
    expect(backend.description).toMatch(/^simd/);
    await backend.dispose();
  });

  it.each([
    ['for the probes', 0],
    ['for the arena', 2 ** 20],
  ])('names the want of memory %s', async (_, bytes) => {
    stubWebAssembly({ Memory: memoryUpTo(bytes) });
    const { selectBackend } = await fresh();
    const opening = selectBackend({ ...request, name: 'auto' });
    await expect(opening).rejects.toMatchObject({ name: 'MemoryBudgetError', where: 'simd' });
  });

  it('names the want of memory for an instance', async () => {
    const Instance = function (): never {
      throw new RangeError('WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance');
    };
    stubWebAssembly({ Instance });
    const { selectBackend } = await fresh();
    await expect(selectBackend({ ...request, name: 'auto' })).rejects.toMatchObject({ name: 'MemoryBudgetError' });
  });

  const Forbidden = function (): never {
    throw new WebAssembly.CompileError('violates the following Content Security policy directive');
  };

  it.each<[string, RegExp, () => void]>([
    ['no WebAssembly', /has no WebAssembly/, () => vi.stubGlobal('WebAssembly', undefined)],
    [
      'a policy against it',
      /Content Security Policy .*'wasm-unsafe-eval'/,
      () => stubWebAssembly({ Module: Forbidden }),
    ],
  ])('takes the reference for auto where there is %s, says why, and refuses simd', async (_, reason, stub) => {
    stub();
    const { selectBackend } = await fresh();
    const { backend, why } = await selectBackend({ ...request, name: 'auto' });
    expect(backend.name).toBe('reference');
    expect(why).toMatch(reason);
    await expect(selectBackend({ ...request, name: 'simd' })).rejects.toMatchObject({
      name: 'UnsupportedBackendError',
      message: expect.stringMatching(reason) as string,
    });
  });
});
