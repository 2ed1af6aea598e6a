/** The import arrows of docs/internals/architecture.md, and other rules that hold for src as a whole. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Import {
  /** Path from the root: `src/model/mask.ts`. */
  from: string;
  /** The same for a file of ours, or a package's name. */
  to: string;
  /** `import type`, or all names marked so. */
  typeOnly: boolean;
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/.test(name) && !/^(?:backends\/simd\/assembly|web\/bundle)\//.test(name))
    .map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const statements = /^(?:import|export)\s+(type\s)?([^'";]*?)\bfrom\s+'([^']+)'/gm;
  const found = [...text.matchAll(statements)].map(([, type, names, target]) => {
    const marked = [...names.matchAll(/[{,]\s*(type\s+)?\w+/g)];
    const typeOnly = type !== undefined || (marked.length > 0 && marked.every(([, mark]) => mark !== undefined));
    return { target, typeOnly };
  });
  for (const [, target] of text.matchAll(/(?:^import\s+|\bimport\()'([^']+)'/gm))
    found.push({ target, typeOnly: false });
  return found.map(({ target, typeOnly }) => {
    const to = target.startsWith('.') ? normalize(join(dirname(file), target)) : target;
    return { from: file, to, typeOnly };
  });
}

const imports = filesBelow('src').flatMap(importsOf);

/** `src/prune/report/curve.ts` → `prune`; files directly in src are all one place, `src`. */
function place(path: string): string {
  const parts = relative('src', path).split('/');
  return parts.length === 1 ? 'src' : parts[0];
}

/** What each folder may import; `errors.ts` is everybody's. Where only types may be imported, it says so. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  tensor: [],
  ops: [],
  drawing: [],
  backends: ['ops', 'tensor'],
  platform: ['backends'],
  model: ['backends type', 'ops', 'tensor', 'platform type', 'tokenizer type'],
  tokenizer: [],
  formats: ['tensor', 'model', 'platform', 'tokenizer'],
  eval: ['model', 'ops type', 'tokenizer'],
  prune: [
    'autodiff',
    'backends type',
    'drawing',
    'eval',
    'model',
    'ops type',
    'platform type',
    'tensor',
    'tokenizer type',
  ],
  autodiff: ['backends type', 'model', 'ops', 'platform type', 'tensor type'],
  train: ['autodiff', 'backends type', 'eval', 'formats', 'model', 'ops', 'platform', 'tensor', 'tokenizer'],
  web: ['backends', 'eval', 'formats', 'model', 'ops type', 'platform', 'prune'],
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
    'tensor',
    'tokenizer type',
    'train',
  ],
};

/** The only file that may import a package: what a library does stands behind one door. */
const doors: Readonly<Record<string, RegExp>> = {
  '@stdlib/ndarray': /^src\/tensor\//,
  '@huggingface/hub': /^src\/platform\/hub\/client\.ts$/,
  'gpu.js': /^src\/backends\/gpu\/gpuJs\.ts$/,
  webgpu: /^src\/platform\/nodeWebGpu\.ts$/,
  commander: /^src\/cli\//,
  picocolors: /^src\/cli\//,
  'cli-progress': /^src\/cli\//,
};

/** Files outside cli and platform that meet Node: the two that open models by path or hub id. */
const meetsNode = new Set(['src/formats/openModel.ts', 'src/formats/huggingface/hubModel.ts']);

describe('import arrows', () => {
  it('sees the imports at all', () => {
    expect(imports.length).toBeGreaterThan(400);
    expect(imports.some(({ typeOnly }) => typeOnly)).toBe(true);
  });

  it('point the way docs/internals/architecture.md says', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      if (!to.startsWith('src/') || place(from) === 'src' || place(from) === place(to) || place(to) === 'src')
        return false;
      const allowed = arrows[place(from)] ?? [];
      return !allowed.includes(place(to)) && !(typeOnly && allowed.includes(`${place(to)} type`));
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

  it('reach each library through one door', () => {
    const outside = imports.filter(({ to }) => !to.startsWith('src/') && !to.startsWith('node:'));
    const wrong = outside.filter(({ from, to }) => {
      const library = Object.keys(doors).find((name) => to === name || to.startsWith(`${name}/`));
      return library === undefined || !doors[library].test(from);
    });
    expect(wrong).toEqual([]);
  });
});

describe('engine files', () => {
  it('touch no process, argv or terminal outside cli and platform', () => {
    const users = filesBelow('src').filter((file) => {
      const code = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      return /\bprocess\.|\bconsole\./.test(code) && !['cli', 'platform'].includes(place(file));
    });
    expect(users).toEqual([]);
  });

  it('begin with a comment that says what they are, or are named by what they export', () => {
    const bare = filesBelow('src/ops').filter((file) => !readFileSync(join(root, file), 'utf8').startsWith('/**'));
    expect(bare).toEqual([]);
  });
});
