/**
 * Small models and texts in place of those that a page calls the user's own, so that its commands
 * run as they are printed.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { quantTypes } from '../../src/formats/gguf/quantTypes.ts';
import type { GgufType, GgufValue, TypedValue } from '../../src/formats/gguf/valueTypes.ts';
import { serializeGguf, type GgufTensorToWrite } from '../../src/formats/gguf/write.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { root } from '../sources.ts';
import { byteSymbols } from '../tokenizer/smallTokenizers.ts';

const planted = join(root, 'tiny-models/planted');
const text = readFileSync(join(root, 'tiny-models/data/tiny.txt'), 'utf8').slice(0, 4000);

/** Options that name a text. */
const textOptions = new Set(['--data', '--eval', '--valid']);
/** Commands whose first word names a model. */
const modelCommands = new Set(['prune', 'perplexity', 'generate', 'repair', 'heal', 'inspect']);

/** What a user's model has and planted has not: a context of 512, an end-of-text token. */
const users = { max_position_embeddings: 512, eos_token_id: 0 };

/** The folder in which a page's commands run: tiny-models, of which all models are planted. */
export function pageFolder(folder: string): void {
  mkdirSync(join(folder, 'tiny-models'), { recursive: true });
  for (const name of ['planted', 'shakespeare', 'verses'])
    cpSync(planted, join(folder, 'tiny-models', name), { recursive: true });
  symlinkSync(join(root, 'tiny-models/data'), join(folder, 'tiny-models/data'));
}

/** Puts what a command reads where it looks for it, unless a command before has written it. */
export async function standIn(words: readonly string[], folder: string): Promise<void> {
  const [command, model] = words;
  const ours = /^(?:runs|tiny-models)\/|^tiny:|^\.\//;
  if (modelCommands.has(command) && !ours.test(model)) await placeModel(join(folder, model));
  for (const [index, word] of words.entries())
    if (textOptions.has(words[index - 1]) && !ours.test(word)) placeText(join(folder, word));
}

async function placeModel(path: string): Promise<void> {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  if (path.endsWith('.gguf')) writeFileSync(path, await plantedGguf());
  else {
    cpSync(planted, path, { recursive: true });
    const config = JSON.parse(readFileSync(join(planted, 'config.json'), 'utf8')) as object;
    writeFileSync(join(path, 'config.json'), JSON.stringify({ ...config, ...users }));
  }
}

function placeText(path: string): void {
  if (existsSync(path)) return;
  const parts = text.match(/[\s\S]{1,1000}/g) ?? [];
  if (path.endsWith('.txt')) writeFileSync(path, text);
  else if (path.endsWith('.jsonl')) writeFileSync(path, parts.map((part) => JSON.stringify({ text: part })).join('\n'));
  else throw new Error(`no text stands in for ${path}`);
}

const typed = (type: GgufType, value: GgufValue): TypedValue => ({ type, value });

/** Planted as a GGUF file. */
async function plantedGguf(): Promise<Uint8Array> {
  const { weights, close } = await openModel(planted);
  const { layers, hiddenSize, vocabSize, headDim, norm } = weights.config;
  const tensors = new Map<string, GgufTensorToWrite>();
  const add = async (name: string, from: string, dims: readonly number[]): Promise<void> => {
    const data = Float32Array.from(await weights.tensor(from));
    tensors.set(name, { type: quantTypes.F32, dims, bytes: new Uint8Array(data.buffer) });
  };
  for (const [name, { shape }] of weights.tensors) await add(ggufName(name), name, shape.toReversed());
  await close();
  const { mlp, mha } = layers[0];
  const u32 = (value: number | undefined): TypedValue => typed('u32', value ?? 0);
  const tokenizer = 'tokenizer.ggml';
  const metadata = new Map<string, TypedValue>([
    ['general.architecture', typed('string', 'llama')],
    ['llama.block_count', u32(layers.length)],
    ['llama.context_length', u32(users.max_position_embeddings)],
    ['llama.embedding_length', u32(hiddenSize)],
    ['llama.feed_forward_length', u32(mlp?.intermediateSize)],
    ['llama.attention.head_count', u32(mha?.heads)],
    ['llama.attention.head_count_kv', u32(mha?.kvHeads)],
    ['llama.attention.key_length', u32(headDim)],
    ['llama.attention.value_length', u32(headDim)],
    ['llama.attention.layer_norm_rms_epsilon', typed('f32', norm.eps)],
    [`${tokenizer}.model`, typed('string', 'gpt2')],
    [`${tokenizer}.pre`, typed('string', 'gpt-2')],
    [`${tokenizer}.tokens`, typed({ array: 'string' }, byteSymbols())],
    [`${tokenizer}.token_type`, typed({ array: 'i32' }, new Int32Array(vocabSize).fill(1))],
    [`${tokenizer}.eos_token_id`, u32(users.eos_token_id)],
    [`${tokenizer}.merges`, typed({ array: 'string' }, [])],
  ]);
  return serializeGguf({ metadata, tensors });
}

function ggufName(name: string): string {
  const names: readonly [RegExp, string][] = [
    [/^model\.embed_tokens/, 'token_embd'],
    [/^model\.norm/, 'output_norm'],
    [/^lm_head/, 'output'],
    [/^model\.layers\./, 'blk.'],
    [/self_attn\.(.)_proj/, 'attn_$1'],
    [/attn_o\./, 'attn_output.'],
    [/mlp\.(\w+)_proj/, 'ffn_$1'],
    [/input_layernorm/, 'attn_norm'],
    [/post_attention_layernorm/, 'ffn_norm'],
  ];
  return names.reduce((result, [from, to]) => result.replace(from, to), name);
}
