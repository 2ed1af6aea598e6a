/**
 * The import arrows of docs/internals/architecture.md, and other rules that hold for src as a
 * whole.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { circles } from './circles.ts';
import { root, sourcesBelow } from './sources.ts';

const sources = sourcesBelow('src');
/**
 * Without the kernels' sources, which are AssemblyScript, and the scripts that bundle for browsers.
 */
const engine = sources.filter(({ path }) => !/^src\/(?:backends\/simd\/assembly|web\/bundle)\//.test(path));
const imports = engine.flatMap((source) => source.imports);

/** `src/prune/report/curve.ts` → `prune`; files directly in src are all one place, `src`. */
function place(path: string): string {
  const parts = relative('src', path).split('/');
  return parts.length === 1 ? 'src' : parts[0];
}

/**
 * What each folder may import; `errors.ts` is everybody's. Where only types may be imported, it
 * says so.
 */
const arrows: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  ops: [],
  drawing: [],
  backends: ['ops', 'tensor'],
  platform: ['backends'],
  model: ['backends type', 'ops', 'tensor', 'platform type', 'tokenizer type'],
  tokenizer: [],
  formats: ['tensor', 'model', 'ops', 'platform', 'tokenizer'],
  eval: ['backends type', 'model', 'ops type', 'tensor', 'tokenizer'],
  repair: ['backends type', 'eval', 'formats', 'model', 'ops type', 'platform type', 'tensor'],
  prune: [
    'autodiff',
    'backends type',
    'drawing',
    'eval',
    'model',
    'ops type',
    'platform type',
    'repair',
    'tensor',
    'tokenizer type',
  ],
  autodiff: ['backends type', 'eval', 'model', 'ops', 'platform type', 'tensor type'],
  train: [
    'autodiff',
    'backends type',
    'eval',
    'formats',
    'model',
    'ops type',
    'platform',
    'prune',
    'tensor',
    'tokenizer',
  ],
  session: ['backends type', 'model', 'ops type'],
  library: [
    'backends',
    'eval',
    'formats',
    'model',
    'ops type',
    'platform',
    'prune',
    'repair',
    'session',
    'tensor',
    'train',
  ],
  web: ['backends', 'formats', 'library', 'model', 'platform', 'prune type'],
  cli: [
    'autodiff',
    'backends',
    'drawing',
    'eval',
    'formats',
    'model',
    'ops type',
    'platform',
    'prune',
    'repair',
    'session',
    'tensor',
    'tokenizer type',
    'train',
  ],
};

/** The only file that may import a package: what a library does stands behind one door. */
const doors: Readonly<Record<string, RegExp>> = {
  '@stdlib/ndarray': /^src\/tensor\/(?:ndarray|stdlib\.d)\.ts$/,
  '@huggingface/jinja': /^src\/formats\/chatTemplate\.ts$/,
  '@huggingface/hub': /^src\/platform\/hub\/client\.ts$/,
  'gpu.js': /^src\/backends\/gpu\/gpuJs\.ts$/,
  webgpu: /^src\/platform\/nodeWebGpu\.ts$/,
  commander: /^src\/cli\//,
  picocolors: /^src\/cli\//,
  'cli-progress': /^src\/cli\//,
  'js-yaml': /^src\/cli\/config\/readConfig\.ts$/,
};

/** Files outside cli and platform that meet Node: those that open models by path or hub id. */
const meetsNode = new Set([
  'src/formats/openModel.ts',
  'src/formats/tinyModel.ts',
  'src/formats/huggingface/hubModel.ts',
  'src/library/load.ts',
]);

describe('import arrows', () => {
  it('sees the imports at all', () => {
    expect(imports.length).toBeGreaterThan(400);
    expect(imports.some(({ typeOnly }) => typeOnly)).toBe(true);
  });

  it('point the way docs/internals/architecture.md says', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      if (!to.startsWith('src/') || place(from) === 'src' || place(from) === place(to) || place(to) === 'src')
        return false;
      const reachable = arrows[place(from)] ?? [];
      return !reachable.includes(place(to)) && !(typeOnly && reachable.includes(`${place(to)} type`));
    });
    expect(wrong).toEqual([]);
  });

  it('from outside errors.ts, only src/index.ts has the run of src', () => {
    const users = imports.filter(
      ({ from, to }) => place(from) !== 'src' && to.startsWith('src/') && place(to) === 'src',
    );
    expect(users.filter(({ to }) => to !== 'src/errors.ts')).toEqual([]);
    expect(imports.filter(({ from }) => from === 'src/errors.ts')).toEqual([]);
  });

  it('let node modules in only in cli, in platform, and where a model is opened by its path', () => {
    const wrong = imports.filter(
      ({ from, to }) => to.startsWith('node:') && !['cli', 'platform'].includes(place(from)),
    );
    expect(wrong).toEqual([]);
    // And nothing else imports the parts of platform that import them.
    const nodeFiles = new Set(imports.filter(({ to }) => to.startsWith('node:')).map(({ from }) => from));
    const through = imports.filter(({ from, to, typeOnly }) => {
      return (
        nodeFiles.has(to) && !typeOnly && !['cli', 'platform', 'src'].includes(place(from)) && !meetsNode.has(from)
      );
    });
    expect(through).toEqual([]);
  });

  it('are told at both ends: a README that says who imports its room names every one', () => {
    const rooms = new Set(imports.map(({ from }) => place(from)).filter((room) => room !== 'src'));
    const untold = [...rooms].flatMap((room) => {
      const text = readFileSync(join(root, 'src', room, 'README.md'), 'utf8');
      const [, told] = /Imported by\s(.*?)(?:\n\n|$)/s.exec(text) ?? [];
      const users = imports.filter(({ from, to }) => to.startsWith(`src/${room}/`) && place(from) !== room);
      const names = new Set(users.map(({ from }) => place(from)).filter((name) => name !== 'src'));
      if (told === undefined) return [];
      return [...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(told)).map((name) => `${room} ◄── ${name}`);
    });
    expect(untold).toEqual([]);
  });

  it('reach each library through one door', () => {
    const outside = imports.filter(({ to }) => !to.startsWith('src/') && !to.startsWith('node:'));
    const wrong = outside.filter(({ from, to }) => {
      const library = Object.keys(doors).find((name) => to === name || to.startsWith(`${name}/`));
      return library === undefined || !doors[library].test(from);
    });
    expect(wrong).toEqual([]);
  });

  it('keep the optional @stdlib/ndarray out of everything but its own entry', () => {
    expect(imports.filter(({ to }) => to === 'src/tensor/ndarray.ts')).toEqual([]);
  });
});

describe('import cycles', () => {
  it('are found where there are some', () => {
    const arrow = (from: string, to: string): [string, string] => [from, to];
    expect(circles([arrow('a', 'b'), arrow('b', 'c'), arrow('c', 'd')])).toEqual([]);
    expect(circles([arrow('a', 'b'), arrow('b', 'a'), arrow('b', 'c'), arrow('d', 'd')])).toEqual([['a', 'b'], ['d']]);
    expect(circles([arrow('c', 'a'), arrow('b', 'c'), arrow('a', 'b'), arrow('x', 'a')])).toEqual([['a', 'b', 'c']]);
  });

  it('there are none, not even of types', () => {
    const found = circles(sources.flatMap((source) => source.imports).map(({ from, to }) => [from, to]));
    expect(found.map((files) => files.join(' ⇄ '))).toEqual([]);
  });
});

describe('sizes', () => {
  const functions = sources.flatMap(({ path, functions: all }) => all.map((one) => ({ ...one, path })));
  const named = (some: typeof functions): string[] => some.map(({ name, path }) => `${name} in ${path}`);
  /**
   * What computes on plain arrays and memory takes them one by one: ops and kernels, as their
   * papers write them.
   */
  const isKernel = (path: string): boolean => /^src\/(?:ops|backends\/(?:gpu\/kernels|simd\/assembly))\//.test(path);

  it('sees the functions at all', () => {
    expect(functions.length).toBeGreaterThan(2000);
    expect(named(functions)).toContain('applyBlock in src/model/residualBlock.ts');
  });

  it('no function is over 100 lines', () => {
    expect(named(functions.filter(({ lines }) => lines > 100))).toEqual([]);
  });

  it('no function outside the kernels takes over 6 parameters', () => {
    const wide = functions.filter(({ path, parameters }) => parameters > 6 && !isKernel(path));
    expect(named(wide)).toEqual([]);
  });

  it('no file is over 300 lines, but the one that tells the forward pass', () => {
    const long = sources.filter(({ path, lines }) => lines > 300 && path !== 'src/model/transformer.ts');
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('comments end at column 100', () => {
    const wide = sources.flatMap(({ path, comments }) =>
      comments.filter(({ width }) => width > 100).map(({ line, width }) => ({ path, line, width })),
    );
    expect(wide).toEqual([]);
  });
});

describe('engine files', () => {
  it('touch no process, argv or terminal outside cli and platform', () => {
    const users = engine.filter(({ path, text }) => {
      const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      return /\bprocess\.|\bconsole\./.test(code) && !['cli', 'platform'].includes(place(path));
    });
    expect(users.map(({ path }) => path)).toEqual([]);
  });

  it('begin with a comment that says what they are, or are named by what they export', () => {
    const bare = engine.filter(({ path, text }) => place(path) === 'ops' && !text.startsWith('/**'));
    expect(bare.map(({ path }) => path)).toEqual([]);
  });
});
