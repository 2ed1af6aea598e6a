/**
 * Compiles the kernels, once with relaxed SIMD (fused multiply-add) and once without, into the base64 module
 * ../kernels.generated.ts, which is committed so that users need no compiler. A spec rebuilds and compares it.
 *
 *   npm run build:kernels
 */
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const folder = new URL('.', import.meta.url);
const generated = new URL('../kernels.generated.ts', import.meta.url);

/** The text of kernels.generated.ts, from the sources beside this file. */
export async function generateKernels(): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && name !== 'build.ts');
  const sources = new Map<string, string>();
  for (const name of names) sources.set(name, await readFile(new URL(name, folder), 'utf8'));
  const plain = await compile(sources, []);
  const relaxed = await compile(sources, ['--enable', 'relaxed-simd']);
  const digest = createHash('sha256').update(plain).update(relaxed).digest('hex').slice(0, 8);
  return `// Made by \`npm run build:kernels\` from ./assembly. Do not edit.

/** WebAssembly of the kernels with plain SIMD: multiply, then add. */
export const plainKernels: string =
  '${plain}';

/** The same with relaxed SIMD: fused multiply-add. */
export const relaxedKernels: string =
  '${relaxed}';

/** Which kernels these are: other ones may round differently, so a journal names them. */
export const kernelsDigest: string = '${digest}';
`;
}

async function compile(sources: ReadonlyMap<string, string>, flags: readonly string[]): Promise<string> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      'index.ts',
      '--outFile',
      'kernels.wasm',
      // None of binaryen's passes: they gather the steps of an unrolled loop into one expression a sum, whose operands
      // must then all be loaded first, and the engine's register allocator spills. What the engine itself optimises is enough.
      '--optimizeLevel',
      '0',
      '--noAssert',
      '--runtime',
      'stub',
      '--use',
      'abort=',
      '--importMemory',
      '--sharedMemory',
      '--initialMemory',
      '1',
      '--maximumMemory',
      '65536',
      '--enable',
      'simd',
      '--enable',
      'threads',
      ...flags,
    ],
    {
      readFile: (name) => sources.get(name) ?? null,
      writeFile: (name, contents) => {
        if (name === 'kernels.wasm') binary = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(`asc failed: ${stderr.toString()}`);
  return Buffer.from(binary).toString('base64');
}

if (process.argv[1] === import.meta.filename) await writeFile(generated, await generateKernels());
