/** Places that cannot be written to, or hold what must not be overwritten. */
import { cpSync, existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { inProcess } from '../inProcess.ts';
import { model, PLANTED, recipeFiles, TEXT, type WrongInput } from '../wrongInput.ts';

const small = ['prune', PLANTED, '--data', TEXT, '--tokens', '512', '--out', 'out', '--quiet', '--blocks', '1'];
const pruneInto = (out: string, ...rest: string[]): string[] => {
  return ['prune', PLANTED, '--data', TEXT, '--blocks', '1', '--out', out, ...rest];
};
const healInto = (out: string, ...rest: string[]): string[] => {
  return ['heal', 'model', '--mask', 'L5.mlp', '--data', TEXT, '--valid', TEXT, '--steps', '1', '--out', out, ...rest];
};
const trainInto = (out: string, ...rest: string[]): string[] => ['train', 'recipe.json', '--out', out, ...rest];

/** A model, and a link to its folder. */
const linkedModel = (folder: string): void => {
  model()(folder);
  symlinkSync('model', join(folder, 'link'));
  mkdirSync(join(folder, 'sub'));
};
/** A model whose files are links into another folder, as in a hub's cache. */
const modelOfLinks = (folder: string): void => {
  cpSync(PLANTED, join(folder, 'blobs'), { recursive: true });
  mkdirSync(join(folder, 'model'));
  for (const name of ['config.json', 'tokenizer.json', 'model.safetensors']) {
    symlinkSync(join('..', 'blobs', name), join(folder, 'model', name));
  }
};

const holds = /holds what this command reads .*nothing is written beside that\. Give another --out/;

/** `heal` and `prune` into the folder of the model they read, by any spelling. */
const intoTheModel: readonly WrongInput[] = [
  'model',
  'model/',
  'model//',
  './model',
  'sub/../model',
  'model/.',
  'link',
  'link/',
  'sub/../link/../model',
].flatMap((out): WrongInput[] => [
  { what: `heal into its own model as ${out}`, setup: linkedModel, args: healInto(out), code: 2, line: holds },
  {
    what: `prune into its own model as ${out}`,
    setup: linkedModel,
    args: ['prune', 'model', ...pruneInto(out).slice(2)],
    code: 2,
    line: holds,
  },
]);

/** Files of others that each command would replace, alone in --out. */
const foreignFiles: readonly WrongInput[] = [
  ...['result.json', 'report.html', 'del_order_list.json', 'journal.jsonl'].map((name): [string, string[]] => [
    name,
    pruneInto('out'),
  ]),
  ...[
    'config.json',
    'model.safetensors',
    'tokenizer.json',
    'healing.json',
    'del_order_list.json',
    'healing.checkpoint',
  ].map((name): [string, string[]] => [name, healInto('out')]),
  ...[
    'config.json',
    'model.safetensors',
    'tokenizer.json',
    'training/log.jsonl',
    'training/training.json',
    'training/loss.svg',
    'training/checkpoint.safetensors',
  ].map((name): [string, string[]] => [name, trainInto('out')]),
].flatMap(([name, args]): WrongInput[] =>
  [[], ['--fresh']]
    .filter((fresh) => fresh.length === 0 || args[0] !== 'perplexity')
    .map((fresh) => ({
      what: `${args[0]}${fresh.join('')} over somebody's ${name}`,
      files: { [`out/${name}`]: '{"schema": "mine/1"}\n', ...recipeFiles() },
      setup: model(),
      args: [...args, ...fresh],
      code: 1,
      line: new RegExp(
        `${basename(name).replaceAll('.', '\\.')}: was not written by \`${args[0]}\` and would be replaced\\. Give another --out, or --force`,
      ),
    })),
);

const unwritable: readonly WrongInput[] = [
  ['a link that leads nowhere', 'dangling', /dangling: is a link to something that is not there/],
  ['below a link that leads nowhere', 'dangling/x', /dangling.*: is a link to something that is not there/],
  ['a link to itself', 'loop', /loop: a link leads back to itself/],
  ['a name of 256 bytes', 'n'.repeat(256), /n: the name is too long for the file system/],
  ['a name of 100 characters and 300 bytes', '模'.repeat(100), /模: the name is too long for the file system/],
  [
    'a long name below a new folder',
    `new/${'n'.repeat(300)}`,
    /n(?:\/training)?: the name is too long for the file system/,
  ],
  ['an empty name', '', /--out: is empty/],
  ['a file', 'file', /file: a file is in the way/],
  ['below a file', 'file/x', /file\/x: a part of the path is a file/],
  ['a file, with a slash', 'file/', /file\/: a part of the path is a file/],
].flatMap(([what, out, line]): WrongInput[] =>
  [pruneInto(out as string), healInto(out as string), trainInto(out as string)].map((args) => ({
    what: `${args[0]} into ${what as string}`,
    files: { file: 'not a folder', ...recipeFiles() },
    setup: (folder) => {
      model()(folder);
      symlinkSync('nowhere', join(folder, 'dangling'));
      symlinkSync('loop', join(folder, 'loop'));
    },
    args,
    code: out === '' ? 2 : 1,
    line: line as RegExp,
  })),
);

/** Below /proc, mkdir says that the parent is missing, for ever. */
const belowProc: readonly WrongInput[] = existsSync('/proc/self')
  ? ['/proc/x', '/proc/x/y', '/proc/self/x'].flatMap((out): WrongInput[] =>
      [pruneInto(out), healInto(out), trainInto(out)].map((args) => ({
        what: `${args[0]} into ${out}`,
        files: recipeFiles(),
        setup: model(),
        args,
        code: 1,
        line: /\/proc\/.*: (?:a folder cannot be created here|permission denied)/,
      })),
    )
  : [];

export const outputCases: readonly WrongInput[] = [
  ...unwritable,
  ...belowProc,
  ...intoTheModel,
  ...foreignFiles,
  {
    what: 'heal into the folder that the files of its model are links into',
    setup: modelOfLinks,
    args: healInto('blobs'),
    code: 2,
    line: holds,
  },
  {
    what: 'heal into its own model, with --force',
    setup: linkedModel,
    args: healInto('link', '--force', '--fresh'),
    code: 2,
    line: holds,
  },
  {
    what: 'heal into the run that it reads',
    files: { 'run/del_order_list.json': '{"1": [["mlp", 1]]}' },
    setup: model(),
    args: ['heal', 'model', '--run', 'run', '--data', TEXT, '--valid', TEXT, '--out', 'run/../run/'],
    code: 2,
    line: holds,
  },
  {
    what: 'heal into the folder of the list that --mask names',
    files: { 'run/del_order_list.json': '{"1": [["mlp", 1]]}' },
    setup: model(),
    args: ['heal', 'model', '--mask', 'run/del_order_list.json@1', '--data', TEXT, '--valid', TEXT, '--out', 'run'],
    code: 2,
    line: holds,
  },
  ...['--data', '--valid'].map((option): WrongInput => ({
    what: `heal into the folder of its ${option}`,
    files: { 'texts/config.json': '{}' },
    setup: (folder) => {
      model()(folder);
      cpSync(TEXT, join(folder, 'texts', 'text.txt'));
    },
    args: healInto('texts').with(healInto('texts').indexOf(option) + 1, 'texts/text.txt'),
    code: 2,
    line: holds,
  })),
  {
    what: 'prune over the text that it reads',
    setup: (folder) => {
      mkdirSync(join(folder, 'out'));
      cpSync(TEXT, join(folder, 'out', 'journal.txt'));
    },
    args: ['prune', PLANTED, '--data', 'out/journal.txt', '--blocks', '1', '--out', 'out'],
    code: 2,
    line: holds,
  },
  {
    what: 'train into the folder of the recipe',
    files: recipeFiles(),
    args: trainInto('.'),
    code: 2,
    line: holds,
  },
  {
    what: 'train into the folder of a text of the recipe',
    files: recipeFiles({ train: { file: 'texts/text.txt' } }, 'texts/text.txt'),
    args: trainInto('texts'),
    code: 2,
    line: holds,
  },
  {
    what: "train into any model's folder",
    files: recipeFiles(),
    setup: linkedModel,
    args: trainInto('link/../model/'),
    code: 1,
    line: /config\.json: was not written by `train` and would be replaced/,
  },
  {
    what: 'heal into the folder of another model',
    setup: (folder) => {
      model()(folder);
      cpSync(PLANTED, join(folder, 'other'), { recursive: true });
    },
    args: healInto('other'),
    code: 1,
    line: /config\.json: was not written by `heal` and would be replaced/,
  },
  {
    what: 'prune whose journal is a link to weights',
    setup: (folder) => {
      model()(folder);
      mkdirSync(join(folder, 'out'));
      symlinkSync(join('..', 'model', 'model.safetensors'), join(folder, 'out', 'journal.jsonl'));
    },
    args: pruneInto('out', '--force'),
    code: 1,
    line: /journal\.jsonl: is a link, where a file would be written/,
  },
  {
    what: 'prune whose journal is another name of a text',
    setup: (folder) => {
      mkdirSync(join(folder, 'out'));
      writeFileSync(join(folder, 'notes.txt'), 'my notes, no newline at the end');
      linkSync(join(folder, 'notes.txt'), join(folder, 'out', 'journal.jsonl'));
    },
    args: pruneInto('out'),
    code: 1,
    line: /journal\.jsonl: was not written by `prune`/,
  },
  {
    what: 'a folder where the result goes',
    setup: (folder) => void mkdirSync(join(folder, 'out', 'result.json'), { recursive: true }),
    args: pruneInto('out', '--force'),
    code: 1,
    line: /result\.json: is a folder, where a file would be written/,
  },
  {
    what: "training whose folder is a link into a model's",
    files: recipeFiles(),
    setup: (folder) => {
      mkdirSync(join(folder, 'out'));
      symlinkSync('..', join(folder, 'out', 'training'));
    },
    args: trainInto('out'),
    code: 2,
    line: holds,
  },
  {
    what: 'the journal of a run with other settings',
    setup: async (folder) => {
      expect((await inProcess(small, { cwd: folder })).code).toBe(0);
    },
    args: [...small, '--chunk', '128'],
    code: 1,
    line: /^error: .*journal\.jsonl: belongs to a run with other settings\. Use another --out/,
  },
  {
    what: 'a healed folder whose config.json was edited',
    setup: async (folder) => {
      model()(folder);
      expect((await inProcess([...healInto('out'), '--quiet'], { cwd: folder })).code).toBe(0);
      const config = join(folder, 'out', 'config.json');
      writeFileSync(config, readFileSync(config, 'utf8').replace('10000', '10000.5'));
    },
    args: healInto('out'),
    code: 1,
    line: /config\.json: differs from the model's and would be replaced/,
  },
];
