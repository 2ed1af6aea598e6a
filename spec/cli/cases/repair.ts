/** Repairs that cannot begin, and runs that cannot be taken. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { heal, measure, model, PLANTED, TEXT, type WrongInput } from '../wrongInput.ts';

/** `repair` on a good model and text. */
function repair(...rest: string[]): string[] {
  return ['repair', PLANTED, '--data', TEXT, '--tokens', '512', ...rest];
}

const MASK = ['--mask', 'L5.mlp', '--out', 'out'];
const ORDER = '{"1": [["mlp", 5]]}';
/** A run's folder that says nothing but its blocks. */
const bare = { setup: (folder: string): void => runFolder(folder, {}) };

function runFolder(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, 'run'));
  for (const [name, content] of Object.entries({ 'del_order_list.json': ORDER, ...files })) {
    writeFileSync(join(folder, 'run', name), content);
  }
}

const optionCases: readonly WrongInput[] = [
  {
    what: 'nothing that was removed, to repair',
    args: repair('--out', 'out'),
    code: 2,
    line: /what was removed is not clear\. Give either --run or --mask/,
  },
  {
    what: 'a run and a mask, to repair',
    args: repair(...MASK, '--run', 'run'),
    code: 2,
    line: /--mask and --run both say which blocks are removed/,
  },
  {
    what: 'a step without a run, to repair',
    args: repair(...MASK, '--step', '1'),
    code: 2,
    line: /--step goes with --run/,
  },
  {
    what: 'a mask to repair and nowhere to write to',
    args: repair('--mask', 'L5.mlp'),
    code: 2,
    line: /there is nowhere to write to\. Give --run or --out/,
  },
  { what: 'an empty mask to repair', args: repair('--mask', '', '--out', 'out'), code: 2, line: /nothing to repair/ },
  {
    what: 'a mask of all blocks to repair',
    args: repair('--mask', [0, 1, 2, 3, 4, 5].map((layer) => `L${layer}.mha,L${layer}.mlp`).join(','), '--out', 'out'),
    code: 2,
    line: /every block is removed/,
  },
  {
    what: 'a block to repair without that is not there',
    args: repair('--mask', 'L6.mlp', '--out', 'out'),
    code: 1,
    line: /L6\.mlp/,
  },
  { what: 'a scope that is not one', args: repair(...MASK, '--scope', 'some'), code: 2, line: /--scope/ },
  { what: 'a form that is not one', args: repair(...MASK, '--form', 'linear'), code: 2, line: /--form/ },
  ...['', 'x', '0.1,', '-1', '0', '0,1', '1e9', 'NaN', '0.1;1'].map((list) => ({
    what: `a list of ridge factors '${list}'`,
    args: repair(...MASK, `--ridge=${list}`),
    code: 2 as const,
    line: /--ridge <list>.*Give numbers above 0, up to 1000000, such as 0\.1,0\.3,1/,
  })),
  {
    what: 'ridge factors for a scale',
    args: repair(...MASK, '--form', 'scale', '--ridge', '0.1'),
    code: 2,
    line: /--ridge does not go with --form scale/,
  },
  {
    what: 'a scale for every kept block',
    args: repair(...MASK, '--form', 'scale', '--scope', 'all'),
    code: 2,
    line: /--form scale goes with --scope cuts/,
  },
  {
    what: 'memory that is short of the sums of a repair',
    args: repair(...MASK, '--memory', '2MB'),
    code: 1,
    line: /needs at least \d+ MiB of memory and has \d MiB.*\d MiB beside the backend.*Raise --memory to \d+MB/,
  },
  {
    what: 'chunks that overlap, to repair',
    args: repair(...MASK, '--chunk', '128', '--stride', '64'),
    code: 1,
    line: /overlap, so none can be held out\. Leave --stride out/,
  },
];

const fileCases: readonly WrongInput[] = [
  {
    what: 'a text to repair with that is not there',
    args: repair(...MASK, '--data', 'lost.txt').toSpliced(2, 2),
    code: 1,
    line: /lost\.txt: no such file/,
  },
  {
    what: 'a text to judge a repair by that is not there',
    args: repair(...MASK, '--eval', 'lost.txt'),
    code: 1,
    line: /lost\.txt: no such file/,
  },
  {
    what: 'a text to judge a repair by that is shorter than a chunk',
    files: { 'short.txt': 'x' },
    args: repair(...MASK, '--eval', 'short.txt'),
    code: 1,
    line: /short\.txt/,
  },
  {
    what: 'a run to repair that is not there',
    args: repair('--run', 'none'),
    code: 1,
    line: /none: is not the folder of a finished run: there is no del_order_list\.json in it\. Give the folder/,
  },
  {
    what: 'a run to repair with fewer steps',
    ...bare,
    args: repair('--run', 'run', '--step', '2'),
    code: 1,
    line: /has 1 steps, 2 were asked for/,
  },
  {
    what: 'a run to repair of another model',
    setup: (folder) =>
      runFolder(folder, { 'result.json': JSON.stringify({ model: { name: 'theirs', contentHash: 'f' } }) }),
    args: repair('--run', 'run'),
    code: 1,
    line: /a model named 'theirs'/,
  },
  {
    what: 'a folder for the repair that holds what is read',
    ...bare,
    args: repair('--run', 'run', '--out', 'run'),
    code: 2,
    line: /holds what this command reads/,
  },
  {
    what: "a folder for the repair with another's file",
    files: { 'repair.json': '{"schema": "mine/1"}' },
    args: repair('--mask', 'L5.mlp', '--out', '.'),
    code: 1,
    line: /repair\.json: was not written by `repair` and would be replaced/,
  },
  {
    what: 'a model to write that is no folder',
    args: ['repair', 'x.gguf', ...repair(...MASK, '--write', 'w').slice(2)],
    code: 2,
    line: /x\.gguf: --write writes a model folder and needs one to begin with/,
  },
  {
    what: 'a repaired model to be written over the model',
    setup: model(),
    args: ['repair', 'model', ...repair(...MASK, '--write', 'model').slice(2)],
    code: 2,
    line: /model: holds what this command reads/,
  },
  {
    what: "a model card that is another's, where a repaired model would be written",
    setup: (folder) => {
      model()(folder);
      mkdirSync(join(folder, 'w'));
      writeFileSync(join(folder, 'w', 'README.md'), '# Mine');
    },
    args: ['repair', 'model', ...repair(...MASK, '--write', 'w').slice(2)],
    code: 1,
    line: /README\.md: was not written by `repair --write` and would be replaced/,
  },
];

const runCases: readonly WrongInput[] = [
  {
    what: 'a mask and a run to measure',
    args: measure(PLANTED, '--mask', 'L5.mlp', '--run', 'run'),
    code: 2,
    line: /--mask and --run both say which blocks are removed\. Give one of them/,
  },
  {
    what: 'a mask and a run to generate with',
    args: ['generate', PLANTED, '--prompt', 'x', '--mask', 'L5.mlp', '--run', 'run'],
    code: 2,
    line: /--mask and --run both say/,
  },
  {
    what: 'a mask and a run to heal',
    args: heal('--mask', 'L5.mlp', '--run', 'run'),
    code: 2,
    line: /--mask and --run both say/,
  },
  {
    what: 'a step to measure without a run',
    args: measure(PLANTED, '--step', '1'),
    code: 2,
    line: /--step goes with --run/,
  },
  {
    what: 'a step to generate from without a run',
    args: ['generate', PLANTED, '--prompt', 'x', '--step', '1'],
    code: 2,
    line: /--step goes with --run/,
  },
  {
    what: 'a run to measure that is not there',
    args: measure(PLANTED, '--run', 'none'),
    code: 1,
    line: /none: is not the folder of a finished run: there is no del_order_list\.json in it\. Give the folder/,
  },
  {
    what: 'a run whose repair is damaged',
    setup: (folder) => runFolder(folder, { 'repair.json': '{"repair": {"mask": "L5.mlp"' }),
    args: measure(PLANTED, '--run', 'run'),
    code: 1,
    line: /repair\.json: is not valid JSON, so it cannot be told whether the model was repaired/,
  },
];

export const repairCases: readonly WrongInput[] = [...optionCases, ...fileCases, ...runCases];
