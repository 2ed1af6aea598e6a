import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { generateKernels } from '../../../src/backends/simd/assembly/build.ts';

it('the committed kernels are what their sources compile to', async () => {
  const committed = await readFile(new URL('../../../src/backends/simd/kernels.generated.ts', import.meta.url), 'utf8');
  const rebuilt = await generateKernels();
  // Not toBe, whose message would print both modules.
  expect(committed === rebuilt, 'kernels.generated.ts is stale: run `npm run build:kernels`').toBe(true);
});
