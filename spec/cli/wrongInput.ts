/** What a row of the table of wrong inputs is, and the models and texts that rows begin with. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planted, text } from './command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The planted model: 6 layers, context 256, bytes as tokens, no BOS. Looked after: a case that
 * changes it fails.
 */
export const PLANTED: string = resolve(root, planted);
/** A text of some thousand tokens. */
export const TEXT: string = resolve(root, text);

/**
 * A command that must end in one line on stderr, with nothing on stdout, and must leave its folder
 * as it was.
 */
export interface WrongInput {
  /** What is wrong. */
  what: string;
  /**
   * The command's words. Relative paths lie in a folder of the case's own, in which it also runs.
   */
  args: readonly string[];
  code: 1 | 2;
  /** What the line says. */
  line: RegExp;
  /** Files of the case's folder, by name. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Further preparation of the case's folder. */
  setup?: (folder: string) => void | Promise<void>;
  env?: Readonly<Record<string, string>>;
  /** In a process of its own: for what a process does once, such as loading modules. */
  alone?: boolean;
}

/** Prepares a copy of the planted model as `model`, some of its files replaced. */
export function model(files: Readonly<Record<string, string | Uint8Array>> = {}): (folder: string) => void {
  return (folder) => {
    cpSync(PLANTED, join(folder, 'model'), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'model', name), content);
  };
}

/** The planted model's config.json with some fields replaced. */
export function configWith(fields: Readonly<Record<string, unknown>>): string {
  const config = JSON.parse(readFileSync(join(PLANTED, 'config.json'), 'utf8')) as Record<string, unknown>;
  return JSON.stringify({ ...config, ...fields });
}

export const weights: Uint8Array = readFileSync(join(PLANTED, 'model.safetensors'));

/** `perplexity MODEL` on a good text. */
export function measure(ofModel: string, ...rest: string[]): string[] {
  return ['perplexity', ofModel, '--data', TEXT, ...rest];
}

/** `prune` on a good model and text. */
export function prune(...rest: string[]): string[] {
  const out = rest.includes('--out') ? [] : ['--out', 'out'];
  return ['prune', PLANTED, '--data', TEXT, ...out, ...rest];
}

/** `heal` on a good model and texts. */
export function heal(...rest: string[]): string[] {
  return healOn(TEXT, ...rest);
}

/** The same, trained on another text. */
export function healOn(data: string, ...rest: string[]): string[] {
  return ['heal', PLANTED, '--data', data, '--valid', TEXT, ...rest];
}

const sentences = 'the cat sat on the mat. the rat ate the oat. '.repeat(60);
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
  tokenizer: { type: 'blockpruner-char', alphabet: [...new Set(sentences)].toSorted().join('') },
  seed: 1,
  steps: 40,
  sequences: 4,
  seqLen: 16,
  lr: 0.01,
};
/** The files of a good recipe, some of its fields replaced. @param textName where its text lies. */
export function recipeFiles(
  fields: Readonly<Record<string, unknown>> = {},
  textName: string = 'text.txt',
): Record<string, string> {
  const parts = { train: { file: textName, to: 0.8 }, validation: { file: textName, from: 0.8 } };
  return { [textName]: sentences, 'recipe.json': JSON.stringify({ ...recipe, ...parts, ...fields }) };
}
