import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { compilerPath, generateGradientKernels } from '../../../src/backends/simd/assembly/build.ts';

it.skipIf(compilerPath === null)('the committed gradient kernels are what their sources compile to', async () => {
  const file = new URL('../../../src/backends/simd/gradientKernels.generated.ts', import.meta.url);
  const same = (await readFile(file, 'utf8')) === (await generateGradientKernels());
  expect(same, 'gradientKernels.generated.ts is stale: run `npm run build:kernels`').toBe(true);
});
