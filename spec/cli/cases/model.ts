/** Models that are not there, not ours to run, or damaged. */
import { configWith, measure, model, PLANTED, TEXT, weights, type WrongInput } from '../wrongInput.ts';

export const modelCases: readonly WrongInput[] = [
  {
    what: 'a model that is not there',
    args: measure('no/such/folder/anywhere'),
    code: 1,
    line: /no\/such\/folder\/anywhere: there is no such file or folder/,
  },
  {
    what: 'an unknown family',
    setup: model({ 'config.json': configWith({ model_type: 'mamba' }) }),
    args: measure('model'),
    code: 1,
    line: /model_type 'mamba' is not supported.*llama/,
  },
  {
    what: 'an activation we lack',
    setup: model({ 'config.json': configWith({ hidden_act: 'relu' }) }),
    args: measure('model'),
    code: 1,
    line: /hidden_act = 'relu' is not supported/,
  },
  {
    what: 'a config that is not JSON',
    setup: model({ 'config.json': '{' }),
    args: measure('model'),
    code: 1,
    line: /not valid JSON/,
  },
  {
    what: 'weights cut short',
    setup: model({ 'model.safetensors': weights.subarray(0, -5) }),
    args: measure('model'),
    code: 1,
    line: /model\.safetensors: .*(?:outside|damaged)/,
  },
  {
    what: 'a .gguf file that is not GGUF',
    files: { 'x.gguf': 'GGUF?' },
    args: measure('x.gguf'),
    code: 1,
    line: /x\.gguf: /,
  },
  {
    what: 'a word that is not a block name',
    args: measure(PLANTED, '--mask', 'L1.ffn'),
    code: 1,
    line: /'L1\.ffn' is not a block name\. Write L<layer>\.mha/,
  },
  {
    what: 'a block that is not there',
    args: measure(PLANTED, '--mask', 'L99.mha'),
    code: 1,
    line: /block 'L99\.mha' does not exist/,
  },
  {
    what: 'a block named twice',
    args: measure(PLANTED, '--mask', 'L1.mha,L1.mha'),
    code: 1,
    line: /'L1\.mha' is named twice/,
  },
  {
    what: 'a del_order_list that is not there',
    args: measure(PLANTED, '--mask', 'none.json'),
    code: 1,
    line: /none\.json: no such file/,
  },
  {
    what: 'a BOS the model has not',
    args: measure(PLANTED, '--bos', 'chunk'),
    code: 1,
    line: /no BOS token\. Use --bos none/,
  },
  {
    what: 'a chunk beyond the context',
    args: measure(PLANTED, '--chunk', '300'),
    code: 1,
    line: /a chunk of 300 tokens is longer than the model's context of 256/,
  },
  {
    what: 'too little memory',
    args: ['prune', PLANTED, '--data', TEXT, '--blocks', '1', '--memory', '1MB', '--chunk', '256'],
    code: 1,
    line: /needs at least \d+ MiB of memory and has 1 MiB.*Raise --memory to \d+MB/,
  },
];
