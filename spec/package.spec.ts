/**
 * The package in other people's programs: bundled, as CommonJS, on threads, and with few types
 * around it.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown, type Plugin } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeWorkerCode } from '../src/web/bundle/nodeWorker.ts';
import { onLog } from '../src/web/bundle/onLog.ts';
import { buildPackage } from '../src/web/bundle/package.ts';
import { INSTALL_GPU } from '../src/backends/gpu/gpuJs.ts';
import { needed, npm, pictures, weight } from './packed.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  await installInto(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two threads, enough work for both, and an end. */
const program = `
import { nodeSpawnWorker, selectBackend } from '${root}src/index.ts';
async function main() {
  const { backend } = await selectBackend({ name: 'simd', threads: 2, memoryBytes: 2 ** 25, spawn: nodeSpawnWorker });
  const scope = backend.scope();
  const x = scope.upload(new Float32Array(512 * 512).fill(1), 512, 512);
  const sum = (await backend.download(scope.linear(x, backend.packLinear(new Float32Array(512 * 512).fill(1), 512, 512, null))))[7];
  console.log(backend.description.includes('2 threads'), sum);
  await backend.dispose();
}
main();
`;

/** What \`npm run build\` does to dist. */
const withWorkerCode = (code: string): Plugin => ({
  name: 'kernel-worker-entry',
  load: (id) =>
    id.endsWith('kernelWorkerEntry.ts') ? `export const kernelWorkerEntry = { code: ${JSON.stringify(code)} };` : null,
});

describe('bundled into one file', () => {
  it.each(['esm', 'cjs'] as const)('as %s, it runs on two threads from anywhere', async (format) => {
    writeFileSync(join(folder, 'program.mjs'), program);
    const build = await rolldown({
      input: join(folder, 'program.mjs'),
      platform: 'node',
      external: ['webgpu', 'gpu.js'],
      plugins: [withWorkerCode(await nodeWorkerCode())],
      onLog: (level, log) => {
        // What a bundler would say of our own lines.
        if (level === 'warn' && log.code === 'EMPTY_IMPORT_META') throw new Error(log.message);
      },
    });
    const file = join(folder, format === 'esm' ? 'out.mjs' : 'out.cjs');
    await build.write({ file, format, codeSplitting: false });
    await build.close();
    const { stdout } = await run(process.execPath, [file], { cwd: tmpdir() });
    expect(stdout).toBe('true 512\n');
  });
});

/** As npm lays it out, without the packages it depends on. */
async function installInto(project: string): Promise<void> {
  const installed = join(project, 'node_modules/blockpruner');
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  await buildPackage(join(installed, 'dist'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
}

/** What TypeScript says of a project's files; nothing where they are well typed. */
async function complaints(project: string, files: readonly string[], options: object): Promise<string> {
  const compilerOptions = {
    target: 'ES2023',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    noEmit: true,
    ...options,
  };
  const config = join(project, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const { stdout } = await run(process.execPath, [tsc, '-p', config]).catch((error: { stdout: string }) => error);
  return stdout;
}

/** A program that holds a model in Node and in a page, and one that only names everything. */
const consumers = {
  'names.ts': `import * as blockpruner from 'blockpruner';\nexport const names: string[] = Object.keys(blockpruner);\n`,
  'both.ts': `
import { load, renderReport, type Model, type PruneEvent } from 'blockpruner';
import { DataError, load as loadInPage, type Model as PageModel } from 'blockpruner/browser';
export async function use(text: string, file: File): Promise<string> {
  const { signal } = new AbortController();
  await using local = await load('a-model', { threads: 2, signal });
  await using page = await loadInPage([file], { backend: 'gpu', gpuMode: 'webgpu', signal });
  const [one, other]: [PageModel, Model] = [local, page];
  const seen: PruneEvent['type'][] = [];
  const run = one.prune({ data: text, blocks: 2, signal });
  for await (const event of run) if (event.type === 'step') seen.push(event.type);
  const { ppl } = await other.perplexity(text, { mask: (await run).removed });
  for await (const piece of one.generate(text)) if (piece === '') throw new DataError('empty');
  const whole: string = await one.generate(text);
  return renderReport(await run) + seen.join() + whole + ppl;
}
`,
};

/** Interop there and back, and stdlib's own functions on what we hand out. */
const interop = `
import { tensor } from 'blockpruner';
import { fromNdarray, toNdarray, type Float32Ndarray } from 'blockpruner/ndarray';
import ndarray = require('@stdlib/ndarray/ctor');
import transpose = require('@stdlib/ndarray/transpose');
const x: Float32Ndarray = toNdarray(tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]));
const data: Float32Array = x.data;
const back = fromNdarray(transpose(x));
console.log(x instanceof ndarray, data.length, back.shape.join(), back.data.join());
`;

describe('installed', () => {
  beforeAll(() => {
    for (const [name, code] of Object.entries(consumers)) writeFileSync(join(folder, name), code);
  });

  describe('its types, which need no other package', () => {
    it.each<[string, string[], (keyof typeof consumers)[]]>([
      ['ES2023 alone, neither DOM nor @types/node', ['ES2023'], ['names.ts']],
      ['ES2023 and DOM', ['ES2023', 'DOM'], ['names.ts', 'both.ts']],
      ["ES2023, DOM and TypeScript's own await using", ['ES2023', 'DOM', 'ESNext.Disposable'], ['names.ts', 'both.ts']],
    ])('check with %s', async (_, lib, files) => {
      expect(await complaints(folder, files, { lib, types: [], skipLibCheck: false })).toBe('');
    });
  });

  describe('blockpruner/ndarray', () => {
    const say = `import { toNdarray, fromNdarray } from 'blockpruner/ndarray';
      const like = { data: Float32Array.of(1, 2), dtype: 'float32', shape: [2], strides: [1], offset: 0 };
      console.log(fromNdarray(like).data.join());
      try { toNdarray({ data: like.data, shape: [2] }); } catch (error) { console.log(error.name + ': ' + error.message); }`;

    it('without @stdlib/ndarray reads what is given, and says in one line what to install', async () => {
      writeFileSync(join(folder, 'without.js'), say);
      const { stdout, stderr } = await run(process.execPath, ['without.js'], { cwd: folder });
      const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
        peerDependencies: Record<string, string>;
      };
      const asked = peerDependencies['@stdlib/ndarray'].replace(/^\^(0\.\d+)\..*/, '$1');
      const line =
        'NotFoundError: @stdlib/ndarray: it is not installed. ' +
        `Install it beside blockpruner: npm install @stdlib/ndarray@${asked}.`;
      expect([stdout, stderr]).toEqual([`1,2\n${line}\n`, '']);
    });

    it('says so where the peer is there and does not load', async () => {
      const project = join(folder, 'broken');
      const broken = join(project, 'node_modules/@stdlib/ndarray/ctor/lib');
      mkdirSync(broken, { recursive: true });
      cpSync(join(folder, 'node_modules/blockpruner'), join(project, 'node_modules/blockpruner'), { recursive: true });
      writeFileSync(join(broken, 'index.js'), 'throw new Error("half a file");');
      writeFileSync(join(project, 'without.mjs'), say);
      const { stdout } = await run(process.execPath, ['without.mjs'], { cwd: project });
      expect(stdout).toMatch(/^1,2\nNotFoundError: @stdlib\/ndarray: it does not load: Error: half a file\. .*\n$/);
    });

    it('with it, functions of stdlib take what it gives and give what it takes, by type and in fact', async () => {
      const project = join(folder, 'with');
      mkdirSync(join(project, 'node_modules'), { recursive: true });
      symlinkSync(join(root, 'node_modules/@stdlib'), join(project, 'node_modules/@stdlib'));
      cpSync(join(folder, 'node_modules/blockpruner'), join(project, 'node_modules/blockpruner'), { recursive: true });
      writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
      writeFileSync(join(project, 'interop.ts'), interop);
      // As in most projects: stdlib's own declarations do not pass without skipLibCheck.
      const options = { lib: ['ES2023', 'DOM'], types: [], skipLibCheck: true };
      expect(await complaints(project, ['interop.ts'], options)).toBe('');
      const imported = interop.replaceAll(/^import (\w+) = require\('(.*)'\)/gm, "import $1 from '$2/lib/index.js'");
      writeFileSync(join(project, 'interop.mts'), imported);
      const { stdout } = await run(process.execPath, ['interop.mts'], { cwd: project });
      expect(stdout).toBe('true 6 3,2 1,4,2,5,3,6\n');
    });
  });
});

/** What an installed package may weigh: bytes, and files. */
const LIMITS = { bytes: 25e6, files: 2600 };

describe('packed', () => {
  let tarball: string;
  let files: string[];
  beforeAll(async () => {
    const place = join(folder, 'node_modules/blockpruner');
    // More than belongs into it: package.json chooses.
    const whole = [
      'README.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'CITATION.cff',
      'LICENSE',
      'docs',
      'tiny-models',
      'src',
    ];
    for (const name of whole) cpSync(join(root, name), join(place, name), { recursive: true });
    const { stdout } = await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], place);
    const [pack] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    tarball = join(folder, pack.filename);
    files = pack.files.map(({ path }) => path);
  });

  it('has every picture of the pages in it, and no page links to a page of docs that is not', () => {
    const pages = files.filter((path) => path.endsWith('.md'));
    expect(pages).toContain('README.md');
    const shown = pages.flatMap((page) => pictures(readFileSync(join(root, page), 'utf8'), page));
    expect(shown).toContain('docs/images/report.png');
    expect(shown.filter((path) => !files.includes(path))).toEqual([]);
  });

  it('has what tiny:planted needs, how to cite it, and none of the sources', () => {
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'card.md'])
      expect(files).toContain(`tiny-models/planted/${name}`);
    for (const path of ['tiny-models/data/tiny.txt', 'CITATION.cff', 'LICENSE', 'CHANGELOG.md'])
      expect(files).toContain(path);
    expect(files.filter((path) => /^src|^tiny-models\/(?!planted|data\/tiny)|(?<!\.d)\.ts$/.test(path))).toEqual([]);
  });

  it('declares no more than its entries lead to, and starts no file that is not there', () => {
    const declared = files.filter((path) => path.endsWith('.d.ts'));
    expect(declared).toContain('dist/tensor/ndarray.d.ts');
    expect(declared.filter((path) => path.startsWith('dist/cli/'))).toEqual([]);
    expect(files).toContain('dist/cli/gpuProbe.js');
    expect(files.filter((path) => path.startsWith('dist/web/') && path.endsWith('.js'))).toEqual([]);
  });

  it('weighs with all that it depends on no more than the limits', () => {
    const ours = weight(join(folder, 'node_modules/blockpruner'), files);
    const all = [ours, ...needed().map((path) => weight(path))];
    const sum = (of: 'bytes' | 'files'): number => all.reduce((total, one) => total + one[of], 0);
    // Half a megabyte and some: the packages are there at all.
    expect(all.length).toBeGreaterThan(5);
    expect(sum('bytes')).toBeLessThan(LIMITS.bytes);
    expect(sum('files')).toBeLessThan(LIMITS.files);
  });

  it('installs into an empty folder and prunes there (skipped where no registry answers)', async (context) => {
    const project = join(folder, 'empty');
    mkdirSync(project);
    const offline = await npm(['install', '--no-audit', '--no-fund', '--fetch-retries=0', tarball], project).then(
      () => null,
      ({ stderr }: { stderr: string }) =>
        /\b(?:E[A-Z]*(?:TIMEDOUT|TIMEOUT|NOTFOUND|REFUSED|RESET|UNREACH|AI_AGAIN|NOTCACHED))\b/.exec(stderr)?.[0] ??
        stderr,
    );
    context.skip(offline !== null && /^E[A-Z_]+$/.test(offline), `no registry answers (${offline})`);
    expect(offline).toBe(null);
    const { bytes, files: count } = weight(project);
    expect(bytes).toBeLessThan(LIMITS.bytes);
    expect(count).toBeLessThan(LIMITS.files);
    const { stdout } = await npm(
      ['exec', '--', 'blockpruner', 'prune', 'tiny:planted', '--blocks', '3', '--quiet'],
      project,
    );
    expect(stdout).toMatch(
      / 3 {2}L2\.mlp +10\.708 [^]*report: runs.planted-tiny-[0-9a-f]{8}.report\.html\n\(open it .*serve .*\)\n$/,
    );
    const gpu = ['perplexity', 'tiny:planted', '--backend', 'gpu', '--gpu-mode', 'cpu', '--quiet'];
    const refused = npm(['exec', '--', 'blockpruner', ...gpu], project);
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: `error: --backend gpu: gpu.js is not installed. Install it: ${INSTALL_GPU}.\n`,
    });
  });
});

describe('a build', () => {
  it('ends at a warning of the bundler', () => {
    expect(() => onLog('warn', { code: 'UNRESOLVED_IMPORT', message: 'no such file' })).toThrow('no such file');
  });

  it('does not end at its hint that the machine is busy, nor at what is no warning', () => {
    onLog('warn', { code: 'PLUGIN_TIMINGS', message: 'Your build spent significant time in plugins.' });
    onLog('info', { message: 'done' });
    onLog('debug', { message: 'done' });
  });
});
