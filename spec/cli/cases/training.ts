/** Recipes and healings that cannot begin. */
import { heal, type WrongInput } from '../wrongInput.ts';

const text = 'the cat sat on the mat. the rat ate the oat. '.repeat(60);
const recipe = {
  config: {
    model_type: 'llama',
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    vocab_size: 16,
    max_position_embeddings: 32,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: null,
  },
  tokenizer: { type: 'blockpruner-char', alphabet: [...new Set(text)].toSorted().join('') },
  seed: 1,
  train: { file: 'text.txt', to: 0.8 },
  validation: { file: 'text.txt', from: 0.8 },
  steps: 40,
  sequences: 4,
  seqLen: 16,
  lr: 0.01,
};
/** The files of a good recipe, some of its fields replaced. */
const files = (fields: Readonly<Record<string, unknown>> = {}): Record<string, string> => ({
  'text.txt': text,
  'recipe.json': JSON.stringify({ ...recipe, ...fields }),
});
const train = (path: string, ...rest: string[]): string[] => ['train', path, '--out', 'x', ...rest];

export const trainingCases: readonly WrongInput[] = [
  { what: 'a recipe that is not there', args: train('none.ts'), code: 1, line: /none\.ts: no such file/ },
  {
    what: 'a recipe of another kind',
    files: files(),
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
    files: files({ steps: 'many' }),
    args: train('recipe.json'),
    code: 2,
    line: /recipe\.json: field 'steps' is not/,
  },
  {
    what: 'a text that is not there',
    files: files({ train: { file: 'lost.txt' } }),
    args: train('recipe.json'),
    code: 1,
    line: /lost\.txt: no such file/,
  },
  {
    what: 'no way to write',
    files: files(),
    args: ['train', 'recipe.json', '--out', 'text.txt'],
    code: 1,
    line: /text\.txt.*(?:in the way|not a folder)/,
  },
  {
    what: 'nowhere to train to',
    files: files(),
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
  { what: 'a run that is not there', args: heal('--run', 'none'), code: 1, line: /del_order_list\.json: no such file/ },
  {
    what: 'a model that is not there, to heal',
    args: ['heal', 'x.gguf', ...heal('--mask', 'L0.mlp', '--out', 'h').slice(2)],
    code: 1,
    line: /x\.gguf: there is no such/,
  },
];
