/**
 * Makes dist/browser, which a page serves as it is: blockpruner.js, its workers engineWorker.js and
 * kernelThread.js, and the chunks they share. Everything is minified but the kernels of gpu.js: it
 * reads them as text and turns them into WGSL or GLSL, and a minifier renames a helper and a loop
 * counter alike, which is the same JavaScript and another shader.
 *
 *   npm run build:web    (part of npm run build)
 */
import { fileURLToPath } from 'node:url';
import { rolldown, type OutputChunk, type Plugin, type RolldownBuild } from 'rolldown';
import { minify } from 'rolldown/utils';
import { onLog } from './onLog.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Modules whose text must stay, and the chunk they go to. */
const KERNELS = /\/src\/backends\/gpu\/kernels\//;
const KERNEL_CHUNK = 'gpuKernels';

/** gpu.js's own build for browsers, minified by its makers: only blanks may go. */
const GPU_JS = 'gpu.js/dist/gpu-browser.min.js';

/** The parts of the bundle by the names of their files. src/web asks for the workers by these. */
export const webEntries: Readonly<Record<string, string>> = {
  blockpruner: 'src/web/blockpruner.ts',
  engineWorker: 'src/web/engineWorker.ts',
  kernelThread: 'src/web/kernelThread.ts',
};

/**
 * Bundles entries (paths from the root) for a browser.
 * @param folder where to write; null to keep the files in memory.
 * @param alias modules to take in place of others.
 * @throws where an import cannot be resolved or is one of Node's.
 */
export async function bundle(
  entries: Readonly<Record<string, string>>,
  folder: string | null,
  alias: Readonly<Record<string, string>> = {},
): Promise<readonly OutputChunk[]> {
  const build: RolldownBuild = await rolldown({
    cwd: root,
    input: { ...entries },
    platform: 'browser',
    resolve: { alias: { 'gpu.js': GPU_JS, ...alias } },
    transform: { target: 'es2023' },
    plugins: [minifyAllButKernels],
    // Rolldown simplifies what it shakes, kernels too. The minifier drops what is not used.
    treeshake: false,
    onLog,
  });
  try {
    const options = {
      dir: folder ?? undefined,
      format: 'es' as const,
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
      minify: false,
      codeSplitting: { groups: [{ name: KERNEL_CHUNK, test: KERNELS }] },
    };
    const { output } = folder === null ? await build.generate(options) : await build.write(options);
    const chunks = output.filter((file) => file.type === 'chunk');
    const files = new Set(chunks.map(({ fileName }) => fileName));
    const outside = chunks.flatMap((chunk) =>
      [...chunk.imports, ...chunk.dynamicImports].filter((to) => !files.has(to)),
    );
    if (outside.length > 0) throw new Error(`the bundle imports ${outside.join(', ')}, which no browser has`);
    return chunks;
  } finally {
    await build.close();
  }
}

const minifyAllButKernels: Plugin = {
  name: 'minify-all-but-kernels',
  async renderChunk(code, chunk) {
    const holds = (text: RegExp): boolean => chunk.moduleIds.some((id) => text.test(id));
    if (holds(KERNELS)) return null;
    // Errors tell their class by its name.
    const keepNames = { class: true, function: false };
    const all = { compress: { keepNames }, mangle: { toplevel: true, keepNames } };
    const options = holds(/\/gpu-browser\.min\.js$/) ? { compress: false, mangle: false } : all;
    const { code: minified, errors } = await minify(chunk.fileName, code, { module: true, ...options });
    if (errors.length > 0) throw new Error(errors[0].message);
    return minified;
  },
};

if (import.meta.main) {
  for (const { fileName, code } of await bundle(webEntries, `${root}/dist/browser`)) {
    process.stdout.write(`dist/browser/${fileName} ${(code.length / 1000).toFixed(1)} kB\n`);
  }
}
