/** What a journal's header names of the kernels: those a search runs on, and no others. */
import { readFile } from 'node:fs/promises';
import { expect, it as always } from 'vitest';
import {
  compilerPath,
  generateGradientKernels,
  generateKernels,
  generateLadderKernels,
  generateStatisticsKernels,
  type EditSource,
} from '../../../src/backends/simd/assembly/build.ts';

/** Without the compiler (tools/README.md) they are skipped. */
const it = always.skipIf(compilerPath === null);
const folder = new URL('../../../src/backends/simd/', import.meta.url);
const committed = (name: string): Promise<string> => readFile(new URL(`${name}.generated.ts`, folder), 'utf8');

/** Lets the sums of the files named begin at 1. */
const changing = (...files: readonly string[]): EditSource => {
  return (file, text) => (files.includes(file) ? text.replaceAll('f32x4.splat(0)', 'f32x4.splat(1)') : text);
};

it('a changed ladder leaves the modules of inference and of training as they are, and changes its own', async () => {
  const edit = changing('ladder.ts');
  expect((await generateKernels(edit)) === (await committed('kernels'))).toBe(true);
  expect((await generateGradientKernels(edit)) === (await committed('gradientKernels'))).toBe(true);
  expect((await generateLadderKernels(edit)) === (await committed('ladderKernels'))).toBe(false);
});

it('changed statistics leave the modules of inference and of training as they are, and change their own', async () => {
  const edit: EditSource = (file, text) =>
    file === 'statistics.ts' ? text.replaceAll('squares == 0', 'xx == 0') : text;
  expect((await generateKernels(edit)) === (await committed('kernels'))).toBe(true);
  expect((await generateGradientKernels(edit)) === (await committed('gradientKernels'))).toBe(true);
  expect((await generateStatisticsKernels(edit)) === (await committed('statisticsKernels'))).toBe(false);
});

it('a changed backward leaves the module of inference as it is', async () => {
  const edit = changing('crossEntropy.ts', 'attentionBackward.ts');
  expect((await generateKernels(edit)) === (await committed('kernels'))).toBe(true);
  expect((await generateGradientKernels(edit)) === (await committed('gradientKernels'))).toBe(false);
});

it('a changed kernel of inference changes its digest', async () => {
  const digest = (text: string): string | undefined => /kernelsDigest: string = '(\w+)'/.exec(text)?.[1];
  const edit: EditSource = (file, text) =>
    file === 'norm.ts' ? text.replace('<f64>columns', '<f64>(columns + 1)') : text;
  const [before, after] = [digest(await committed('kernels')), digest(await generateKernels(edit))];
  expect(after).toMatch(/^[0-9a-f]{8}$/);
  expect(after).not.toBe(before);
});

it('the committed statistics are what their source compiles to', async () => {
  const same = (await committed('statisticsKernels')) === (await generateStatisticsKernels());
  expect(same, 'statisticsKernels.generated.ts is stale: run `npm run build:kernels`').toBe(true);
});

it('the committed ladder is what its source compiles to', async () => {
  const same = (await committed('ladderKernels')) === (await generateLadderKernels());
  expect(same, 'ladderKernels.generated.ts is stale: run `npm run build:kernels`').toBe(true);
});
