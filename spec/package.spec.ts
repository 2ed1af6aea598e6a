/**
 * The package in other people's programs: bundled, as CommonJS, on threads, and with few types
 * around it.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown, type Plugin } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeWorkerCode } from '../src/web/bundle/nodeWorker.ts';
import { onLog } from '../src/web/bundle/onLog.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
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

describe('its types', () => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  beforeAll(async () => {
    // As npm lays it out, without the packages it depends on: no type may need one.
    const installed = join(folder, 'node_modules/blockpruner');
    mkdirSync(installed, { recursive: true });
    cpSync(join(root, 'package.json'), join(installed, 'package.json'));
    await run(process.execPath, [
      tsc,
      '-p',
      join(root, 'src'),
      '--emitDeclarationOnly',
      '--outDir',
      join(installed, 'dist'),
    ]);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    for (const [name, code] of Object.entries(consumers)) writeFileSync(join(folder, name), code);
  });

  it.each<[string, string[], (keyof typeof consumers)[]]>([
    ['ES2023 alone, neither DOM nor @types/node', ['ES2023'], ['names.ts']],
    ['ES2023 and DOM', ['ES2023', 'DOM'], ['names.ts', 'both.ts']],
    ["ES2023, DOM and TypeScript's own await using", ['ES2023', 'DOM', 'ESNext.Disposable'], ['names.ts', 'both.ts']],
  ])('check with %s', async (_, lib, files) => {
    const compilerOptions = {
      target: 'ES2023',
      lib,
      types: [],
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const config = join(folder, 'tsconfig.json');
    writeFileSync(config, JSON.stringify({ compilerOptions, files }));
    const { stdout } = await run(process.execPath, [tsc, '-p', config]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
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
