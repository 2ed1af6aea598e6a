/**
 * A recipe says everything a trained model depends on, so that it can be made again: config,
 * tokenizer, data, seed and settings. It is a module that exports `recipe`, or the same as JSON
 * where the data are text.
 */
import { UsageError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { KernelVariant } from '../backends/simd/kernels.ts';
import type { Transformer } from '../model/transformer.ts';
import type { Rng } from '../tensor/rng.ts';
import type { Batch } from '../autodiff/batch.ts';
import type { Figures } from './train.ts';

/** A part of a text file: characters from ⌊from · length⌋ up to ⌊to · length⌋. */
export interface TextPart {
  /** A .txt file, relative to the recipe. */
  readonly file: string;
  /** 0 … 1; default 0. */
  readonly from?: number;
  /** 0 … 1; default 1. */
  readonly to?: number;
}

/** Data that are made up rather than read: sequences of a task. Only a module can hold these. */
export interface Task {
  /** A batch of `sequences` sequences; all randomness from `rng`, which is the step's own. */
  draw(rng: Rng, sequences: number, seqLen: number): Batch;
  /** What the model can do, on examples of its own: `{ accuracy: 0.999 }`. */
  measure?(model: Transformer): Promise<Figures>;
}

export interface Recipe {
  /** config.json, in Hugging Face's fields; written beside the weights as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  /** tokenizer.json, such as { type: 'blockpruner-char', alphabet }. */
  readonly tokenizer: Readonly<Record<string, unknown>>;
  /** Of the initial weights and of the order of the data. */
  readonly seed: number;
  readonly train: TextPart | Task;
  /** Text on which loss and perplexity are measured on the way and at the end. */
  readonly validation?: TextPart;
  readonly steps: number;
  /** Sequences a batch. */
  readonly sequences: number;
  /** Tokens a sequence. */
  readonly seqLen: number;
  /** Batches a step; default 1. */
  readonly accumulate?: number;
  /** Highest learning rate. */
  readonly lr: number;
  /** Where the rate ends; default lr / 10. */
  readonly minLr?: number;
  /** Default: a twentieth of the steps. */
  readonly warmupSteps?: number;
  /** Default cosine. */
  readonly decay?: 'cosine' | 'linear' | 'constant';
  /** AdamW's; defaults 0.1, 0.9, 0.95, 1e-8. */
  readonly weightDecay?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
  /** Longest gradient; default 1. */
  readonly clip?: number;
  /** Steps between measurements; default: a twentieth of the steps. */
  readonly measureEvery?: number;
  /**
   * The kernels it was trained on; default `plain`, whose bits are the same on every processor.
   * With `relaxed-fma`, which is half as fast again, they are the same on every processor that has
   * fused multiply-adds.
   */
  readonly kernels?: KernelVariant;
}

/** Whether a number is allowed, and in which words it is asked for. */
const whole: Rule = [(value) => Number.isSafeInteger(value) && value >= 1, 'a whole number ≥ 1'];
const count: Rule = [(value) => Number.isSafeInteger(value) && value >= 0, 'a whole number ≥ 0'];
const positive: Rule = [(value) => value > 0 && value < Infinity, 'a number above 0'];
const notNegative: Rule = [(value) => value >= 0 && value < Infinity, 'a number ≥ 0'];
const share: Rule = [(value) => value >= 0 && value < 1, 'a number from 0 to below 1'];
type Rule = readonly [(value: number) => boolean, string];

const required: Readonly<Record<string, Rule>> = {
  seed: count,
  steps: whole,
  sequences: whole,
  seqLen: whole,
  lr: positive,
};
const optional: Readonly<Record<string, Rule>> = {
  accumulate: whole,
  minLr: notNegative,
  warmupSteps: count,
  weightDecay: notNegative,
  beta1: share,
  beta2: share,
  eps: positive,
  clip: positive,
  measureEvery: whole,
};
const others = ['config', 'tokenizer', 'train', 'validation', 'decay', 'kernels'];

/**
 * Checks what a recipe file holds.
 * @throws UsageError naming the field and what is expected of it.
 */
export function checkRecipe(value: unknown, where: string): Recipe {
  const bad = (message: string): UsageError => new UsageError(message, { where });
  if (!isRecord(value)) throw bad('has no recipe: a module exports `recipe`, a .json holds one object.');
  const fields = value;
  const known = [...Object.keys(required), ...Object.keys(optional), ...others];
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) throw bad(`unknown field ${quoted(unknown)}. Known: ${known.join(', ')}.`);
  for (const [name, [allowed, words]] of Object.entries({ ...required, ...optional })) {
    const found = fields[name];
    if (found === undefined && name in optional) continue;
    if (typeof found !== 'number' || !allowed(found)) throw bad(`field '${name}' is not ${words}.`);
  }
  for (const name of ['config', 'tokenizer'])
    if (!isRecord(fields[name])) throw bad(`field '${name}' is not an object.`);
  if (!isTextPart(fields.train) && !(isRecord(fields.train) && typeof fields.train.draw === 'function')) {
    throw bad("field 'train' is neither { file, from?, to? } nor, in a module, { draw }.");
  }
  if (fields.validation !== undefined && !isTextPart(fields.validation)) {
    throw bad("field 'validation' is no { file, from?, to? }.");
  }
  if (!['cosine', 'linear', 'constant', undefined].includes(fields.decay as string | undefined)) {
    throw bad("field 'decay' is neither 'cosine', 'linear' nor 'constant'.");
  }
  if (!['plain', 'relaxed-fma', undefined].includes(fields.kernels as string | undefined)) {
    throw bad("field 'kernels' is neither 'plain' nor 'relaxed-fma'.");
  }
  return fields as unknown as Recipe;
}

function isTextPart(value: unknown): value is TextPart {
  if (!isRecord(value) || typeof value.file !== 'string') return false;
  const [from, to] = [value.from ?? 0, value.to ?? 1];
  return typeof from === 'number' && typeof to === 'number' && from >= 0 && from < to && to <= 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
