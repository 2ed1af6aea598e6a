/** Commands and options that do not exist, do not go together, or are out of their range. */
import { measure, PLANTED, prune, TEXT, type WrongInput } from '../wrongInput.ts';

const generate = (prompt: string, ...rest: string[]): string[] => ['generate', PLANTED, '--prompt', prompt, ...rest];

const increase = (value: string): WrongInput => ({
  what: `--max-increase ${value}`,
  args: prune(`--max-increase=${value}`),
  code: 2,
  line: /Give a percentage from 0% to 1000000%, such as 20%/,
});
const protect = (list: string, line: RegExp, ...rest: string[]): WrongInput => ({
  what: `--protect '${list}' ${rest.join(' ')}`,
  args: prune('--blocks', '1', `--protect=${list}`, ...rest),
  code: 2,
  line,
});

export const optionCases: readonly WrongInput[] = [
  ...['', '%', '-1', '20%%', '20 per cent', 'NaN', 'Infinity', '1000001', '1e3', '0x10', '٣'].map(increase),
  ...['', ',', 'L0,', 'L01', 'l0', 'L0.attn', '0.mha', 'L0.mha;L1', 'L-1'].map((list) =>
    protect(list, /Give blocks and layers, such as L0\.mha,L3/),
  ),
  { ...protect('L6', /block 'L6\.mha' does not exist: the model's layers are L0 … L5/), code: 1 },
  { ...protect('L0,L9.mlp', /block 'L9\.mlp' does not exist/), code: 1 },
  protect('L0,L1,L2,L3,L4,L5', /--protect leaves nothing to remove/),
  protect('L0.mha,L1.mha,L2.mha,L3.mha,L4.mha,L5.mha', /--protect leaves nothing to remove/, '--kind', 'mha'),
  protect('L0.mha,L1.mlp,L2.mha,L3.mha,L4.mha,L5.mha', /--protect leaves nothing to remove/, '--kind', 'layer'),
  protect('L1,L2,L3', /--plus leaves 0 blocks to remove|--plus keeps layers/, '--plus', '--method', 'magnitude'),
  {
    what: 'more blocks than --protect leaves',
    args: prune('--blocks', '11', '--protect', 'L0.mha,L3'),
    code: 2,
    line: /--blocks 11: --protect leaves 9 blocks to remove\. Give 1 … 9/,
  },
  {
    what: 'an unknown command',
    args: ['prume', PLANTED],
    code: 2,
    line: /unknown command 'prume' \(Did you mean prune\?\)/,
  },
  {
    what: 'an unknown option',
    args: prune('--blocks', '1', '--blcks', '2'),
    code: 2,
    line: /unknown option '--blcks' \(Did you mean --blocks\?\)/,
  },
  {
    what: 'no data',
    args: ['prune', PLANTED, '--blocks', '1'],
    code: 2,
    line: /required option '--data <file>' not specified/,
  },
  {
    what: 'no data, for a model that comes along without a text',
    args: ['perplexity', 'tiny:sorter'],
    code: 2,
    line: /required option '--data <file>' not specified/,
  },
  {
    what: 'no stop rule',
    args: prune(),
    code: 2,
    line: /no stop rule\. Give --blocks, --ratio, --max-ppl or --max-increase, for example --ratio 0\.1\./,
  },
  {
    what: 'no blocks to remove',
    args: prune('--blocks', '0'),
    code: 2,
    line: /--blocks 0: the model has 12 blocks/,
  },
  {
    what: 'more blocks than there are',
    args: prune('--blocks', '13'),
    code: 2,
    line: /--blocks 13: the model has 12 blocks/,
  },
  {
    what: 'more MHA blocks than there are',
    args: prune('--blocks', '7', '--kind', 'mha'),
    code: 2,
    line: /--blocks 7: the model has 6 MHA blocks/,
  },
  {
    what: 'half a layer',
    args: prune('--blocks', '3', '--kind', 'layer'),
    code: 2,
    line: /layer mode removes two blocks at a time/,
  },
  {
    what: 'a ratio beyond all',
    args: prune('--ratio', '1.5'),
    code: 2,
    line: /'1\.5' is invalid\. Give a number above 0 and below 1: for 1\.5 % write 0\.015\./,
  },
  {
    what: 'a ratio in per cent',
    args: prune('--ratio', '20%'),
    code: 2,
    line: /'20%' is invalid\. Give a number above 0 and below 1: for 20 % write 0\.2\./,
  },
  {
    what: 'a ratio of nothing',
    args: prune('--ratio', '0'),
    code: 2,
    line: /'0' is invalid\. Give a number above 0 and below 1\./,
  },
  {
    what: 'a perplexity below one',
    args: prune('--max-ppl', '0.5'),
    code: 2,
    line: /'0\.5' is invalid\. Give a number from 1 to/,
  },
  {
    what: 'a word where a number goes',
    args: prune('--blocks', 'three'),
    code: 2,
    line: /Give a whole number/,
  },
  {
    what: 'an unknown kind',
    args: prune('--blocks', '1', '--kind', 'head'),
    code: 2,
    line: /Allowed choices are mix, mha, mlp, layer/,
  },
  {
    what: 'a stride beyond the chunk',
    args: measure(PLANTED, '--chunk', '8', '--stride', '9'),
    code: 1,
    line: /a stride of 9 tokens does not fit chunks of 8/,
  },
  {
    what: 'a memory size that is not a size',
    args: measure(PLANTED, '--memory', 'lots'),
    code: 2,
    line: /Give a size from 1MB/,
  },
  { what: 'lanes no vector has', args: measure(PLANTED, '--lanes', '6'), code: 2, line: /Give 4 or 8/ },
  {
    what: 'lanes of another backend',
    args: measure(PLANTED, '--lanes', '8', '--backend', 'reference'),
    code: 2,
    line: /--lanes goes with --backend simd/,
  },
  {
    what: 'a gpu mode of another backend',
    args: measure(PLANTED, '--gpu-mode', 'cpu', '--backend', 'simd'),
    code: 2,
    line: /--gpu-mode goes with --backend gpu/,
  },
  { what: 'an empty prompt', args: generate(''), code: 1, line: /the prompt has no token/ },
  {
    what: 'a chat with a model that has no template',
    args: generate('a', '--chat'),
    code: 1,
    line: /--chat: the model has no chat template\. Leave --chat out, or take a model that was tuned for chats\./,
  },
  {
    what: 'a system message without a chat',
    args: generate('a', '--system', 'b'),
    code: 2,
    line: /--system goes with --chat\./,
  },
  {
    what: 'a folder to serve that is not there',
    args: ['serve', 'none'],
    code: 1,
    line: /^error: none: no such file or folder\./,
  },
  {
    what: 'a file to serve',
    args: ['serve', TEXT],
    code: 2,
    line: /: is a file\. Give the folder that it is in\./,
  },
  {
    what: 'a host to serve on that this machine does not have',
    args: ['serve', '--host', '203.0.113.1', '--port', '0'],
    code: 1,
    line: /^error: --host: '203\.0\.113\.1' is no address of this machine/,
  },
  {
    what: 'an empty stop string',
    args: generate('a', '--stop', 'x', '--stop', ''),
    code: 2,
    line: /--stop: is empty, which would end every text\. Leave it out\./,
  },
  {
    what: 'a temperature below zero',
    args: generate('a', '--temperature', '-1'),
    code: 2,
    line: /'--temperature <t>' argument '-1' is invalid\. Give a number from 0 to/,
  },
];
