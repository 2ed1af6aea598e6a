/**
 * Compiles the kernels, once with relaxed SIMD (fused multiply-add) and once without, into base64
 * modules, which are committed so that users need no compiler: ../kernels.generated.ts for
 * inference, ../statisticsKernels.generated.ts for statistics of activations,
 * ../gradientKernels.generated.ts for training and ../ladderKernels.generated.ts for lessons. They
 * are apart so that a change of the others leaves the inference digest, and with it journals, as
 * they are. Specs build all of them again and compare.
 *
 *   npm run build:kernels
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { generatedSources } from './tileTemplate.ts';

const folder = new URL('.', import.meta.url);

/** Modules on which a result's bits depend: what runs names their digests. */
const NAMED: ReadonlySet<string> = new Set(['kernels', 'gradientKernels']);

/** What is run here, and not compiled. */
const NOT_KERNELS: ReadonlySet<string> = new Set(['build.ts', 'tileTemplate.ts']);

/** What is used of AssemblyScript's compiler. */
interface Compiler {
  main(
    args: readonly string[],
    host: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: unknown): void;
      listFiles(): string[];
    },
  ): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}

/** How the compiler is installed; a user of the engine needs none. */
export const INSTALL_COMPILER = 'npm --prefix tools ci';

/** The compiler's file, where it is installed. */
export const compilerPath: string | null =
  (createRequire(new URL('../../../../tools/package.json', import.meta.url)).resolve.paths('assemblyscript') ?? [])
    .map((path) => `${path}/assemblyscript/dist/asc.js`)
    .find((path) => existsSync(path)) ?? null;

async function compiler(): Promise<Compiler> {
  if (compilerPath === null) throw new Error(`the compiler is not installed: ${INSTALL_COMPILER}`);
  return ((await import(/* @vite-ignore */ pathToFileURL(compilerPath).href)) as { default: Compiler }).default;
}

/** Changes a source before it is compiled: its file's name and its text. */
export type EditSource = (file: string, text: string) => string;
const asTheyAre: EditSource = (_, text) => text;

/** The text of kernels.generated.ts, from the sources beside this file. */
export function generateKernels(edit: EditSource = asTheyAre): Promise<string> {
  return generate('index.ts', 'kernels', 'the kernels', edit);
}

/** The text of gradientKernels.generated.ts: the same kernels and their backwards. */
export function generateGradientKernels(edit: EditSource = asTheyAre): Promise<string> {
  return generate('gradients.ts', 'gradientKernels', 'the kernels and their backwards', edit);
}

/** The text of statisticsKernels.generated.ts: sums over activations. */
export function generateStatisticsKernels(edit: EditSource = asTheyAre): Promise<string> {
  return generate('statistics.ts', 'statisticsKernels', 'the statistics ops', edit);
}

/** The text of ladderKernels.generated.ts: the rungs of the ladder, for lessons and benches. */
export function generateLadderKernels(edit: EditSource = asTheyAre): Promise<string> {
  return generate('ladder.ts', 'ladderKernels', 'the rungs below `linear`', edit);
}

/** All sources by their files' names, those that are made from templates included. */
async function sourcesOf(edit: EditSource): Promise<Map<string, string>> {
  const names = (await readdir(folder)).filter((file) => file.endsWith('.ts') && !NOT_KERNELS.has(file));
  const sources = new Map<string, string>();
  for (const file of names.toSorted()) {
    const text = generatedSources[file] ?? (await readFile(new URL(file, folder), 'utf8'));
    sources.set(file, edit(file, text));
  }
  return sources;
}

/** The text of sources.generated.ts, by which stale kernels are seen without a compiler. */
export async function generateSourcesHash(edit: EditSource = asTheyAre): Promise<string> {
  const hash = createHash('sha256');
  for (const [file, text] of await sourcesOf(edit)) hash.update(`${file}\0${text}\0`);
  return `// Made by \`npm run build:kernels\` from ./assembly. Do not edit.

/** SHA-256 of the sources that the kernels beside this file were compiled from. */
export const sourcesHash: string = '${hash.digest('hex')}';
`;
}

/** Compiles both variants of an entry file. `name` is what the exports end in. */
async function generate(
  entry: string,
  name: 'kernels' | 'statisticsKernels' | 'gradientKernels' | 'ladderKernels',
  what: string,
  edit: EditSource,
): Promise<string> {
  const sources = await sourcesOf(edit);
  const plain = await compile(entry, sources, []);
  const relaxed = await compile(entry, sources, ['--enable', 'relaxed-simd']);
  const digest = createHash('sha256').update(plain).update(relaxed).digest('hex').slice(0, 8);
  const capital = name[0].toUpperCase() + name.slice(1);
  return `// Made by \`npm run build:kernels\` from ./assembly. Do not edit.

/** WebAssembly of ${what} with plain SIMD: multiply, then add. */
export const plain${capital}: string =
  '${plain}';

/** The same with relaxed SIMD: fused multiply-add. */
export const relaxed${capital}: string =
  '${relaxed}';
${NAMED.has(name) ? digestLine(name, digest) : ''}`;
}

function digestLine(name: string, digest: string): string {
  return `
/** Which kernels these are: other ones may round differently, so a journal names them. */
export const ${name}Digest: string = '${digest}';
`;
}

async function compile(entry: string, sources: ReadonlyMap<string, string>, flags: readonly string[]): Promise<string> {
  let binary: Uint8Array | undefined;
  const asc = await compiler();
  const { error, stderr } = await asc.main(
    [
      entry,
      '--outFile',
      'kernels.wasm',
      // Of binaryen's passes only those that take the jumps of inlined functions away, since the
      // engine joins vectors only within a basic block. The others gather the steps of an unrolled
      // loop into one expression a sum, whose operands must then all be loaded first, and the
      // engine's register allocator spills. What the engine itself optimises is enough.
      '--optimizeLevel',
      '0',
      '--runPasses',
      'remove-unused-brs,remove-unused-names',
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

if (process.argv[1] === import.meta.filename) {
  for (const [file, text] of Object.entries(generatedSources)) await writeFile(new URL(file, folder), text);
  await writeFile(new URL('../kernels.generated.ts', folder), await generateKernels());
  await writeFile(new URL('../statisticsKernels.generated.ts', folder), await generateStatisticsKernels());
  await writeFile(new URL('../gradientKernels.generated.ts', folder), await generateGradientKernels());
  await writeFile(new URL('../ladderKernels.generated.ts', folder), await generateLadderKernels());
  await writeFile(new URL('../sources.generated.ts', folder), await generateSourcesHash());
}
