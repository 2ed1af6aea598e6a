/**
 * What `prune --method` refuses: names, settings that a method does not have, and modules that hold
 * none.
 */
import { prune, type WrongInput } from '../wrongInput.ts';

const method = (name: string, ...rest: string[]): string[] => prune('--blocks', '1', '--method', name, ...rest);
/** A module that exports `text` as its method. */
const mine = (text: string): Record<string, string> => ({ 'mine.js': `export const method = ${text};` });
const good = "name: 'mine', summary: 'mine', paper: null, needs: [], version: '1', check: () => ({})";

export const methodCases: readonly WrongInput[] = [
  {
    what: 'a method that does not exist',
    args: method('oracle'),
    code: 2,
    line: /there is no method 'oracle'\. Give blockpruner, block-influence, magnitude, .*, or a path .* \.\//,
  },
  {
    what: 'a race of a method that does not search',
    args: method('magnitude', '--search', 'race'),
    code: 2,
    line: /--search race goes with --method blockpruner: magnitude does not search/,
  },
  {
    what: 'repair at another time',
    args: prune('--blocks', '1', '--repair', 'twice'),
    code: 2,
    line: /'--repair <when>' argument 'twice' is invalid\. Allowed choices are end, each/,
  },
  {
    what: 'leaders without repair',
    args: prune('--blocks', '1', '--leaders', '2'),
    code: 2,
    line: /--leaders goes with --repair/,
  },
  {
    what: 'leaders of a repair at the end',
    args: prune('--blocks', '1', '--repair', 'end', '--leaders', '2'),
    code: 2,
    line: /--leaders goes with --repair each/,
  },
  {
    what: 'no leaders',
    args: prune('--blocks', '1', '--repair', 'each', '--leaders', '0'),
    code: 2,
    line: /'--leaders <k>' argument '0' is invalid\. Give a whole number from 1/,
  },
  {
    what: 'a scope without repair',
    args: prune('--blocks', '1', '--repair-scope', 'cuts'),
    code: 2,
    line: /--repair-scope goes with --repair/,
  },
  {
    what: 'a scope of another name',
    args: prune('--blocks', '1', '--repair', 'end', '--repair-scope', 'some'),
    code: 2,
    line: /'--repair-scope <scope>' argument 'some' is invalid\. Allowed choices are all, cuts/,
  },
  {
    what: 'a metric of another name',
    args: prune('--blocks', '1', '--metric', 'loss'),
    code: 2,
    line: /'--metric <metric>' argument 'loss' is invalid\. Allowed choices are ppl, kl/,
  },
  {
    what: 'KL as the metric of a race',
    args: prune('--blocks', '1', '--metric', 'kl', '--search', 'race'),
    code: 2,
    line: /--metric kl does not go with --search race, which judges by perplexity\. Use --search exact/,
  },
  {
    what: 'KL as the metric of repair in the loop',
    args: prune('--blocks', '1', '--metric', 'kl', '--repair', 'each'),
    code: 2,
    line: /--metric kl does not go with --repair each, .* Use --repair end/,
  },
  {
    what: 'KL as the metric of a method that does not choose by price',
    args: method('magnitude', '--metric', 'kl'),
    code: 2,
    line: /--metric kl goes with --method blockpruner: magnitude does not choose by price\. Use --kl/,
  },
  {
    what: 'a text to measure on that is not there',
    args: prune('--blocks', '1', '--eval', 'absent.txt'),
    code: 1,
    line: /absent\.txt: /,
  },
  {
    what: 'repair in the loop of a method that does not choose by price',
    args: method('magnitude', '--repair', 'each'),
    code: 2,
    line: /--repair each goes with --method blockpruner: magnitude does not choose by price\. Use --repair end/,
  },
  {
    what: 'repair in the loop of a race',
    args: method('blockpruner', '--repair', 'each', '--search', 'race'),
    code: 2,
    line: /--search race drops candidates before --repair each could repair them\. Use --search exact, or --repair end/,
  },
  {
    what: 'repair on chunks that overlap',
    args: prune('--blocks', '1', '--repair', 'end', '--chunk', '32', '--stride', '16', '--tokens', '128'),
    code: 1,
    line: /overlap, so none can be held out\. Leave --stride out/,
  },
  {
    what: 'a seed for a method that draws nothing',
    args: method('magnitude', '--seed', '1'),
    code: 2,
    line: /method magnitude has no setting 'seed'\. Its settings: plus/,
  },
  {
    what: '--plus for a method that measures anew',
    args: method('blockpruner', '--plus'),
    code: 2,
    line: /method blockpruner has no setting 'plus'/,
  },
  {
    what: '--plus on six layers',
    args: method('one-shot', '--plus'),
    code: 2,
    line: /--plus keeps layers 0 to 3 and the last 2, and the model has 6 layers: nothing is left to remove/,
  },
  {
    what: 'gradients on a GPU',
    args: method('taylor', '--backend', 'gpu', '--gpu-mode', 'cpu'),
    code: 2,
    line: /method taylor needs gradients, which --backend gpu does not take\. Use simd or reference/,
  },
  {
    what: 'a share of something without the share',
    args: prune('--blocks', '1', '--ratio-of', 'blocks'),
    code: 2,
    line: /--ratio-of says of what --ratio is a share\. Give --ratio too/,
  },
  {
    what: 'a share of something unknown',
    args: prune('--ratio', '0.2', '--ratio-of', 'width'),
    code: 2,
    line: /'--ratio-of <what>' argument 'width' is invalid\. Allowed choices are total, blocks, depth/,
  },
  {
    what: 'settings that are not name=value pairs',
    args: method('random', '--set', 'seed'),
    code: 2,
    line: /--set seed: is not a setting\. Give name=value/,
  },
  {
    what: 'a setting twice',
    args: method('random', '--set', 'seed=1,seed=2'),
    code: 2,
    line: /--set seed=2: is given twice/,
  },
  {
    what: 'a setting of another kind',
    args: method('random', '--set', 'seed=many'),
    code: 2,
    line: /setting 'seed' of method random is a whole number from 0 on/,
  },
  { what: 'a module that is not there', args: method('./mine.ts'), code: 1, line: /mine\.ts: no such file/ },
  {
    what: 'a module that is no module',
    files: { 'mine.js': 'export const method = {' },
    args: method('./mine.js'),
    code: 1,
    line: /mine\.js: cannot be loaded/,
    alone: true,
  },
  {
    what: 'a module without a method',
    files: { 'mine.js': 'export const metod = {};' },
    args: method('./mine.js'),
    code: 1,
    line: /mine\.js: exports no `method`\. Write/,
    alone: true,
  },
  ...(
    [
      ['without a name', mine('{ needs: [] }'), /mine\.js: the method it exports has no name of small letters/],
      [
        'with needs that no method has',
        mine("{ name: 'mine', needs: ['luck'] }"),
        /has no list of needs \('calibration', 'taps', 'gradients'\)/,
      ],
      ['without a check', mine("{ name: 'mine', needs: [] }"), /has no function `check`/],
      ['without a run', mine(`{ ${good} }`), /has no generator function `run`/],
      ['named like one of the house', mine("{ name: 'random', needs: [] }"), /'random' is a built-in method/],
    ] as const
  ).map(([what, files, line]): WrongInput => ({
    what: `a method ${what}`,
    files,
    args: method('./mine.js'),
    code: line.source.includes('built-in') ? 2 : 1,
    line,
    alone: true,
  })),
  {
    what: 'an output folder that holds the module',
    files: mine(`{ ${good}, run: async function* () {} }`),
    args: [...method('./mine.js').filter((word) => word !== '--out' && word !== 'out'), '--out', '.'],
    code: 2,
    line: /holds what this command reads \(\.\/mine\.js\)/,
    alone: true,
  },
];
