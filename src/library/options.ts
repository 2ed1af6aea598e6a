/**
 * Options from programs without types: each is of its kind and in its range, or an error says what
 * it must be.
 */
import { backendNames } from '../backends/select.ts';
import { gpuModes } from '../backends/gpu/gpuMode.ts';
import { UsageError } from '../errors.ts';
import { lineEnds } from '../eval/lineEnds.ts';
import { conventionNames } from '../eval/namedConvention.ts';
import { sampleSources } from '../eval/windows.ts';
import { shortJson } from '../formats/quoted.ts';
import { pruneKinds, ratioBases } from '../prune/candidates.ts';
import { metrics } from '../prune/lowest.ts';
import { repairTimes } from '../prune/repair/settings.ts';
import { repairScopes } from '../repair/cuts.ts';
import { repairForms } from '../repair/fit.ts';
import { isRidgeList, RIDGE_WORDS } from '../repair/settings.ts';

/** What an option must be, in words, and whether a value is. */
interface Rule {
  readonly words: string;
  readonly allows: (value: unknown) => boolean;
}

type Rules = Readonly<Record<string, Rule>>;

const whole = (min: number, max: number = Number.MAX_SAFE_INTEGER): Rule => ({
  words: max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min} on` : `a whole number from ${min} to ${max}`,
  allows: (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
});
const number: Rule = { words: 'a number', allows: (value) => typeof value === 'number' && !Number.isNaN(value) };
const above0: Rule = {
  words: 'a number above 0',
  allows: (value) => typeof value === 'number' && value > 0 && value < Infinity,
};
const text: Rule = { words: 'a text', allows: (value) => typeof value === 'string' };
const flag: Rule = { words: 'true or false', allows: (value) => typeof value === 'boolean' };
const oneOf = (...words: readonly (string | number)[]): Rule => ({
  words: `one of ${words.join(', ')}`,
  allows: (value) => words.includes(value as string),
});
const mask: Rule = {
  words: 'a list of blocks such as L5.mlp,L4.mha',
  allows: (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
};
const object: Rule = { words: 'an object', allows: (value) => typeof value === 'object' && value !== null };
const repairResult: Rule = { words: 'what repair gave', allows: object.allows };
const anything: Rule = { words: 'anything', allows: () => true };
const signal: Rule = {
  words: 'an AbortSignal',
  allows: (value) => typeof (value as { addEventListener?: unknown } | null)?.addEventListener === 'function',
};

const evaluationRules: Rules = {
  convention: oneOf(...conventionNames),
  chunk: whole(2),
  stride: whole(1),
  bos: oneOf('auto', 'none', 'stream', 'chunk'),
  join: text,
  tokens: whole(2),
  newlines: oneOf(...lineEnds),
  sample: {
    words: 'an object ({ windows, seed, from })',
    allows: (value) => typeof value === 'object' && value !== null,
  },
  nllSum: oneOf('f64', 'f32'),
  signal,
};
export const sampleRules: Rules = { windows: whole(1, 1_000_000), seed: whole(0), from: oneOf(...sampleSources) };
export const perplexityRules: Rules = { ...evaluationRules, mask, repair: repairResult };
export const pruneRules: Rules = {
  ...evaluationRules,
  data: anything,
  blocks: whole(1),
  ratio: number,
  ratioOf: oneOf(...ratioBases),
  maxPpl: number,
  maxIncrease: number,
  protect: {
    words: 'a list of blocks and layers such as L0.mha,L3',
    allows: (value) =>
      typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string')),
  },
  kind: oneOf(...pruneKinds),
  method: text,
  settings: object,
  metric: oneOf(...metrics),
  kl: flag,
  search: oneOf('exact', 'race'),
  confidence: number,
  seed: whole(0),
  repair: oneOf(...repairTimes),
  leaders: whole(1),
  repairScope: oneOf(...repairScopes),
  eval: anything,
  journal: text,
  fresh: flag,
  plan: flag,
};
export const repairRules: Rules = {
  ...evaluationRules,
  mask,
  data: anything,
  eval: anything,
  scope: oneOf(...repairScopes),
  form: oneOf(...repairForms),
  ridge: { words: `a list of ${RIDGE_WORDS}`, allows: isRidgeList },
  journal: text,
  fresh: flag,
};
/** A result that goes into another call. */
export const repairResultRules: Rules = {
  document: object,
  tensors: { words: 'a Map of tensors', allows: (value) => value instanceof Map },
};
export const generateRules: Rules = {
  mask,
  repair: repairResult,
  maxTokens: whole(1),
  temperature: number,
  topK: whole(0),
  topP: number,
  seed: whole(0),
  stop: {
    words: 'a text or a list of texts',
    allows: (value) => [value].flat().every((one) => typeof one === 'string'),
  },
  chat: flag,
  system: text,
  signal,
};
export const healRules: Rules = {
  ...evaluationRules,
  mask,
  repair: repairResult,
  data: anything,
  valid: anything,
  steps: whole(1),
  rank: whole(1, 4096),
  alpha: above0,
  lr: above0,
  seqLen: whole(2),
  sequences: whole(1, 65_536),
  accumulate: whole(1, 65_536),
  seed: whole(0),
};
export const backendRules: Rules = {
  backend: oneOf(...backendNames),
  gpuMode: oneOf(...gpuModes),
  variant: oneOf('relaxed-fma', 'plain'),
  lanes: oneOf(4, 8),
  threads: whole(1, 256),
  memoryBytes: whole(2 ** 20),
};
export const loadRules: Rules = { ...backendRules, signal, offline: flag, revision: text, hub: flag };

/** @throws UsageError for an option that the call does not have, or a value it may not have. */
export function checkOptions(options: object, rules: Rules): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw new UsageError('there is no such option here.', { where: name, remedy: `There are ${listed(rules)}.` });
    }
    if (value === undefined || rules[name].allows(value)) continue;
    throw new UsageError(`must be ${rules[name].words}, not ${shortJson(value)}.`, { where: name });
  }
}

function listed(rules: Rules): string {
  return Object.keys(rules).join(', ');
}
