/**
 * Tokenizers that cannot be used, with every command that reads text: the message gives the true
 * reason, and never says that the tokenizer is missing.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { measure, model, TEXT, weights, type WrongInput } from '../wrongInput.ts';

const commands: Readonly<Record<string, readonly string[]>> = {
  perplexity: measure('model'),
  prune: ['prune', 'model', '--data', TEXT, '--blocks', '1', '--out', 'out'],
  generate: ['generate', 'model', '--prompt', 'a'],
  heal: ['heal', 'model', '--data', TEXT, '--valid', TEXT, '--mask', 'L5.mlp', '--out', 'out'],
};

const faults: readonly Pick<WrongInput, 'what' | 'line' | 'setup'>[] = [
  {
    what: 'a tokenizer.json that is not JSON',
    setup: model({ 'tokenizer.json': '{' }),
    line: /text cannot be turned into tokens: model\/tokenizer\.json: is not valid JSON/,
  },
  {
    what: 'a tokenizer of another kind',
    setup: model({ 'tokenizer.json': '{"model":{"type":"Unigram","vocab":[]}}' }),
    line: /text cannot be turned into tokens: model: tokenizer\.json: model: a tokenizer "Unigram" is not supported/,
  },
  {
    what: 'a tokenizer in another file',
    setup: (folder) => {
      void model({ 'tokenizer.model': 'x' })(folder);
      rmSync(join(folder, 'model', 'tokenizer.json'));
    },
    line: /text cannot be turned into tokens: model: the tokenizer is in 'tokenizer\.model' \(SentencePiece\)/,
  },
];

/** The last weight is NaN: two bytes, F16. */
const withNan = Uint8Array.from(weights);
withNan.set([0x00, 0x7e], withNan.length - 2);

export const tokenizerCases: readonly WrongInput[] = [
  ...faults.flatMap((fault) => {
    return Object.entries(commands).map(([command, args]): WrongInput => {
      return { ...fault, what: `${fault.what}: ${command}`, args, code: 1 };
    });
  }),
  {
    what: 'weights that are NaN: generate',
    setup: model({ 'model.safetensors': withNan }),
    args: ['generate', 'model', '--prompt', 'a', '--json'],
    code: 1,
    line: /the model gives NaN as the logit of token .* It begins in /,
  },
];
