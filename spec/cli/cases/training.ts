/** Recipes and healings that cannot begin. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { heal, healOn, model, PLANTED, recipeFiles, TEXT, type WrongInput } from '../wrongInput.ts';

const train = (path: string, ...rest: string[]): string[] => ['train', path, '--out', 'x', ...rest];

export const trainingCases: readonly WrongInput[] = [
  { what: 'a recipe that is not there', args: train('none.ts'), code: 1, line: /none\.ts: no such file/ },
  {
    what: 'a recipe of another kind',
    files: recipeFiles(),
    args: train('text.txt'),
    code: 2,
    line: /neither a \.json file nor a module/,
  },
  {
    what: 'a module with an error in it',
    files: { 'broken.ts': 'export const recipe = {' },
    args: train('broken.ts'),
    code: 1,
    line: /broken\.ts: cannot be loaded/,
    alone: true,
  },
  {
    what: 'a module without a recipe',
    files: { 'empty.ts': 'export {};' },
    args: train('empty.ts'),
    code: 2,
    line: /empty\.ts: has no recipe/,
    alone: true,
  },
  {
    what: 'a recipe that is not JSON',
    files: { 'broken.json': '{' },
    args: train('broken.json'),
    code: 1,
    line: /broken\.json: is not valid JSON/,
  },
  {
    what: 'a field of the wrong kind',
    files: recipeFiles({ steps: 'many' }),
    args: train('recipe.json'),
    code: 2,
    line: /recipe\.json: field 'steps' is not/,
  },
  {
    what: 'a text that is not there',
    files: recipeFiles({ train: { file: 'lost.txt' } }),
    args: train('recipe.json'),
    code: 1,
    line: /lost\.txt: no such file/,
  },
  {
    what: 'no way to write',
    files: recipeFiles(),
    args: ['train', 'recipe.json', '--out', 'text.txt'],
    code: 1,
    line: /text\.txt.*(?:in the way|not a folder)/,
  },
  {
    what: 'nowhere to train to',
    files: recipeFiles(),
    args: ['train', 'recipe.json'],
    code: 2,
    line: /required option '--out <dir>' not specified/,
  },
  {
    what: 'nothing that was removed',
    args: heal('--out', 'h'),
    code: 2,
    line: /what was removed is not clear\. Give either --run or --mask/,
  },
  { what: 'an empty mask', args: heal('--out', 'h', '--mask', ''), code: 2, line: /nothing was removed/ },
  {
    what: 'a run that is not there',
    args: heal('--run', 'none'),
    code: 1,
    line: /none: is not .*a finished run: there is no del_order_list\.json/,
  },
  {
    what: 'a model that is not there, to heal',
    args: ['heal', 'x.gguf', ...heal('--mask', 'L0.mlp', '--out', 'h').slice(2)],
    code: 1,
    line: /x\.gguf: there is no such/,
  },
  {
    what: 'a step without a run',
    args: heal('--out', 'h', '--mask', 'L0.mlp', '--step', '1'),
    code: 2,
    line: /--step goes with --run/,
  },
  {
    what: 'a training sequence beyond the context',
    args: heal('--out', 'h', '--mask', 'L0.mlp', '--seq-len', '300'),
    code: 2,
    line: /--seq-len 300: the model's context is 256 tokens\. Give at most 256/,
  },
  {
    what: 'a training text shorter than a sequence',
    files: { 'short.txt': 'x'.repeat(100) },
    args: healOn('short.txt', '--mask', 'L0.mlp', '--out', 'h', '--seq-len', '128'),
    code: 1,
    line: /short\.txt: 100 tokens are fewer than a training sequence of 128 .*lower --seq-len/,
  },
  {
    what: 'a training text as long as a sequence, without the token after it',
    files: { 'short.txt': 'x'.repeat(128) },
    args: healOn('short.txt', '--mask', 'L0.mlp', '--out', 'h', '--seq-len', '128'),
    code: 1,
    line: /short\.txt: 128 tokens are fewer than a training sequence of 128 and the token after it/,
  },
  {
    what: 'a training text that is not there',
    args: healOn('lost.txt', '--mask', 'L0.mlp', '--out', 'h'),
    code: 1,
    line: /lost\.txt: no such file/,
  },
  {
    what: 'a text to measure on that is not there',
    args: ['heal', PLANTED, '--data', TEXT, '--valid', 'lost.txt', '--mask', 'L0.mlp', '--out', 'h'],
    code: 1,
    line: /lost\.txt: no such file/,
  },
  {
    what: 'a rank beyond every matrix',
    args: heal('--out', 'h', '--mask', 'L0.mlp', '--rank', '65'),
    code: 2,
    line: /--rank 65: no matrix of the model has more than 64 rows or columns\. Give 1 … 64/,
  },
  {
    what: 'a licence that cannot be read',
    setup: (folder) => {
      model()(folder);
      symlinkSync('nowhere', join(folder, 'model', 'LICENSE'));
    },
    args: ['heal', 'model', '--data', TEXT, '--valid', TEXT, '--mask', 'L0.mlp', '--out', 'h'],
    code: 1,
    line: /model\/LICENSE: no such file or folder/,
  },
];
