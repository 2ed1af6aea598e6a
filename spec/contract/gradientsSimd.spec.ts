import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { offeredVariants } from '../../src/backends/select.ts';
import { compileGradientKernels } from '../../src/backends/simd/gradientKernels.ts';
import { gradientKernelNames, kernelNames } from '../../src/backends/simd/kernels.ts';
import { simdBackend, type SimdOptions } from '../../src/backends/simd/simdBackend.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import type { GradientBackend } from '../../src/backends/gradients.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { namedCases, tallCases } from './caseTable.ts';
import { expectSameBits } from './compare.ts';
import { runGradientCase } from './gradientCase.ts';
import { gradientContract, tallGradientCases } from './gradients.ts';
import { prepareCase, runCase } from './opCase.ts';

describe.each(offeredVariants())('gradients, simd %s', (variant) => {
  const options = (threads: number): SimdOptions => {
    return { memoryBytes: 32 * 2 ** 20, threads, spawn: nodeSpawnWorker, variant };
  };
  gradientContract('2 threads', () => simdGradientBackend(options(2)));

  describe('one thread and more give the same bits', () => {
    const backends: GradientBackend[] = [];
    beforeAll(async () => {
      for (const threads of [1, 2, 3]) backends.push(await simdGradientBackend(options(threads)));
    });
    afterAll(async () => {
      for (const backend of backends) await backend.dispose();
    });

    test.each(tallGradientCases.map((some) => ({ name: some.name, some })))('$name', async ({ some }) => {
      const [one, two, three] = await Promise.all(backends.map((backend) => runGradientCase(backend, some)));
      for (const [index, result] of one.entries()) {
        expectSameBits(two[index], result);
        expectSameBits(three[index], result);
      }
    });
  });

  it('its inference ops give the bits of the backend for inference', async () => {
    const [training, inference] = [await simdGradientBackend(options(1)), await simdBackend(options(1))];
    for (const opCase of [...namedCases, ...tallCases]) {
      const results = [];
      for (const backend of [training, inference]) {
        const prepared = prepareCase(backend, opCase);
        results.push(await runCase(backend, opCase, prepared));
        prepared.free();
      }
      expectSameBits(results[0], results[1]);
    }
    expect(training.variant).not.toBe(inference.variant);
    for (const backend of [training, inference]) await backend.dispose();
  });

  it('its module has every kernel, and needs no more than memory, exp and log', () => {
    const module = compileGradientKernels(variant);
    if (module === null) throw new Error(`${variant} is offered`);
    const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
    expect(exported).toEqual(expect.arrayContaining([...kernelNames, ...gradientKernelNames]));
    const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
    const known = new Set(['env.memory', 'env.exp', 'env.hostExp', 'env.hostLog']);
    expect(imports.filter((name) => !known.has(name))).toEqual([]);
  });
});
