import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { sourcesHash } from '../../../src/backends/simd/sources.generated.ts';
import {
  compilerPath,
  generateKernels,
  generateSourcesHash,
  INSTALL_COMPILER,
} from '../../../src/backends/simd/assembly/build.ts';

const committed = new URL('../../../src/backends/simd/kernels.generated.ts', import.meta.url);

it.skipIf(compilerPath === null)(
  `the committed kernels are what their sources compile to (skipped without: ${INSTALL_COMPILER})`,
  async () => {
    const rebuilt = await generateKernels();
    // Not toBe, whose message would print both modules.
    const same = (await readFile(committed, 'utf8')) === rebuilt;
    expect(same, 'kernels.generated.ts is stale: run `npm run build:kernels`').toBe(true);
  },
);

it('the sources are those that the kernels were built from', async () => {
  const stale = `the kernels are stale: \`${INSTALL_COMPILER}\`, then \`npm run build:kernels\``;
  expect(await generateSourcesHash(), stale).toContain(`'${sourcesHash}'`);
});

it('one changed letter of a source changes their hash', async () => {
  const edit = (file: string, text: string): string => (file === 'norm.ts' ? text.replace('columns', 'Columns') : text);
  expect(await generateSourcesHash(edit)).not.toBe(await generateSourcesHash());
});
