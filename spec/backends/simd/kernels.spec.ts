import { describe, expect, it } from 'vitest';
import {
  compileKernels,
  fuses,
  instantiateKernels,
  kernelId,
  kernelNames,
} from '../../../src/backends/simd/kernels.ts';

describe.each(['relaxed-fma', 'plain'] as const)('kernels (%s)', (variant) => {
  const module = compileKernels(variant);

  it.skipIf(module === null)(
    'export every kernel by its name, need no more than memory and exp, and fuse or not as they say',
    () => {
      if (module === null) return;
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const kernels = instantiateKernels([module], memory);
      const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
      expect(exported).toEqual(expect.arrayContaining([...kernelNames]));
      for (const kernel of kernels) expect(kernel).toBeInstanceOf(Function);
      expect(() => kernels[kernelId('gramCut')](0, 0)).toThrow('the kernel gramCut is in none of the modules');
      const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
      expect(fuses(module)).toBe(variant === 'relaxed-fma');
      expect(imports.filter((name) => !['env.memory', 'env.exp', 'env.hostExp'].includes(name))).toEqual([]);
    },
  );
});
