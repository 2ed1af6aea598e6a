/**
 * The bundle for browsers: that there is nothing of Node's in it, and that a minifier has not
 * touched the kernels.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { parseSync } from 'rolldown/utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle, webEntries } from '../../src/web/bundle/build.ts';

type Chunks = Awaited<ReturnType<typeof bundle>>;

const kernels = new URL('../../src/backends/gpu/kernels/', import.meta.url);
let chunks: Chunks;
beforeAll(async () => {
  chunks = await bundle(webEntries, null);
});

const named = (name: string): Chunks[number] => {
  const chunk = chunks.find(({ fileName }) => fileName === name);
  if (chunk === undefined) throw new Error(`the bundle has no ${name}`);
  return chunk;
};

describe('the modules', () => {
  it('are ours, gpu.js, the engine of chat templates, and no other', () => {
    const foreign = chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => !/\/src\/(?!cli\/)/.test(id));
    const packages = foreign.map((id) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? id);
    expect([...new Set(packages)].toSorted()).toEqual(['\0rolldown/runtime.js', '@huggingface/jinja', 'gpu.js']);
  });

  it('import nothing of Node’s', () => {
    for (const { code, fileName } of chunks) {
      expect(/\b(?:from|import|require)\s*\(?\s*["'`]node:/.test(code), fileName).toBe(false);
    }
  });

  it('a page that only talks to the worker loads no engine, and gpu.js comes when it is asked for', () => {
    const needs = (name: string): string[] => [name, ...named(name).imports.flatMap(needs)];
    const bytes = (name: string): number => [...new Set(needs(name))].reduce((sum, n) => sum + named(n).code.length, 0);
    expect(bytes('blockpruner.js')).toBeLessThan(12_000);
    // The engine with its kernels, those of gradients included, with repair, plans and KL.
    expect(bytes('engineWorker.js')).toBeLessThan(640_000);
    expect(needs('engineWorker.js').some((name) => name.startsWith('gpu-browser'))).toBe(false);
  });

  it('has what src/web starts by name', () => {
    for (const name of ['engineWorker.js', 'kernelThread.js']) {
      expect(named(name).isEntry).toBe(true);
      expect(chunks.some(({ code, fileName }) => fileName !== name && code.includes(`./${name}`))).toBe(true);
    }
  });
});

/**
 * All functions of a module by name, as a parser sees them: without types, blanks, comments and
 * needless brackets.
 */
function functionsOf(code: string): Map<string, string> {
  const { program, errors } = parseSync('kernels.js', code, { preserveParens: false });
  expect(errors).toEqual([]);
  const kept = (key: string, value: unknown): unknown => (/^(?:start|end|raw)$/.test(key) ? undefined : value);
  return new Map(
    program.body.flatMap((node) => {
      const declared = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
      if (declared?.type !== 'FunctionDeclaration') return [];
      return [[declared.id?.name ?? '', JSON.stringify(declared, kept)] as const];
    }),
  );
}

describe('the kernels', () => {
  it('are the same text, helpers by name included', () => {
    const sources = readdirSync(kernels).map((file) => {
      return stripTypeScriptTypes(readFileSync(new URL(file, kernels), 'utf8'));
    });
    const ours = new Map(sources.flatMap((source) => [...functionsOf(source)]));
    const bundled = functionsOf(named('gpuKernels.js').code);
    expect(ours.size).toBeGreaterThan(25);
    expect([...bundled.keys()].toSorted()).toEqual([...ours.keys()].toSorted());
    // By name: a syntax tree's diff fills screens.
    expect([...ours.keys()].filter((name) => bundled.get(name) !== ours.get(name))).toEqual([]);
  });

  it('and all else is minified', () => {
    for (const { code, fileName } of chunks) {
      if (fileName !== 'gpuKernels.js') expect(code.length / code.split('\n').length, fileName).toBeGreaterThan(60);
    }
  });
});
