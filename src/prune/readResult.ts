/**
 * Reads a result document that may come from any version and any hand: what the report draws is
 * checked, what is optional may be missing.
 */
import { FormatError, MaskError } from '../errors.ts';
import { parseUnit } from './report/removals.ts';
import { pruneKinds } from './candidates.ts';
import { PRUNE_SCHEMA, type PruneResult } from './result.ts';

type Rule = (value: unknown) => boolean;
/** Rules for fields; a list of one is for every element. A `?` at a name's end: may be missing. */
interface Shape {
  readonly [field: string]: Rule | Shape | readonly [Rule | Shape];
}

const text: Rule = (value) => typeof value === 'string';
const number: Rule = (value) => typeof value === 'number' && Number.isFinite(value);
const numberOrNull: Rule = (value) => value === null || number(value);
const count: Rule = (value) => number(value) && Number.isInteger(value) && (value as number) >= 0;
const textOrNull: Rule = (value) => value === null || text(value);
const status: Rule = (value) => value === 'nan' || value === 'infinite';
const object: Rule = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** More layers than any model has: what says so is damaged, and would be drawn for ever. */
const MOST_LAYERS = 10_000;
const layers: Rule = (value) => count(value) && (value as number) <= MOST_LAYERS;

const figures: Shape = { ppl: numberOrNull, 'status?': status, standardError: numberOrNull, bitsPerByte: numberOrNull };
const change: Rule = (value) => value === null || wrong(value, { nats: number, natsError: numberOrNull }, '') === null;
const work: Shape = { done: number, exact: number, naive: number };
const ratios: Shape = { total: number, blocks: number, depth: number };
const runnerUp: Rule = (value) =>
  value === null || wrong(value, { block: text, ppl: number, margin: change }, '') === null;
const nearTie: Rule = (value) => value === null || wrong(value, { block: text, ppl: number }, '') === null;
const sample: Rule = (value) =>
  value === null || wrong(value, { prompt: text, before: text, after: text, 'repaired?': text }, '') === null;

const candidate: Shape = {
  block: text,
  ppl: numberOrNull,
  'status?': (value) => status(value) || value === 'dropped',
  'seen?': { chunks: count, ppl: numberOrNull, againstPick: numberOrNull },
};

const document: Shape = {
  version: text,
  model: {
    name: text,
    family: text,
    numHiddenLayers: layers,
    blocks: count,
    parameters: number,
    blockParameters: number,
    contentHash: text,
  },
  data: { name: text, hash: text, chunks: count, scoredTokens: count, ignoredTokens: count, droppedTokens: count },
  convention: { text, chunk: count, stride: count, bos: text, join: text, aggregation: text },
  backend: text,
  'method?': { name: text },
  kind: (value) => pruneKinds.some((kind) => kind === value),
  'race?': { confidence: number },
  stop: object,
  stoppedBy: text,
  dense: figures,
  'evaluation?': { data: { name: text }, dense: figures },
  'scores?': [{ block: text, score: numberOrNull }],
  work,
  steps: [
    {
      ...figures,
      step: count,
      removed: textOrNull,
      ratios,
      'change?': change,
      'runnerUp?': runnerUp,
      nearTie,
      candidates: [candidate],
      work,
      'evaluation?': { ...figures, change },
      'repair?': figures,
    },
  ],
  removed: [text],
  'repair?': {
    when: text,
    whole: { dense: figures, pruned: figures, repaired: figures },
    blocks: [object],
    tensors: [object],
  },
  sample,
  seconds: number,
  'provenance?': {
    date: text,
    'command?': text,
    settings: object,
    machine: { processor: textOrNull, cores: number, memoryBytes: numberOrNull, system: text },
    runtime: text,
    dtypes: [text],
  },
};

/**
 * A document from its text.
 * @param where the file, for messages.
 * @throws FormatError naming what is wrong in it.
 */
export function readResult(json: string, where: string): PruneResult {
  const value = parsed(json, where);
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (schema !== PRUNE_SCHEMA) {
    const found =
      typeof schema === 'string' ? `its schema is ${JSON.stringify(schema.slice(0, 60))}` : 'it has no schema';
    throw new FormatError(`is not the result of a pruning run (${PRUNE_SCHEMA}): ${found}.`, {
      where,
      remedy: 'Give a folder that prune wrote.',
    });
  }
  const field = wrong(value, document, '');
  if (field !== null) throw damaged(`${field} is missing or not what a result holds there`, where);
  const result = value as PruneResult;
  requireBlocks(result, where);
  return result;
}

function parsed(json: string, where: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new FormatError('is not valid JSON.', { where, remedy: REMEDY, cause });
  }
}

const REMEDY = 'Run the search again, which writes it anew from its journal.';

function damaged(what: string, where: string): FormatError {
  return new FormatError(`${what}.`, { where, remedy: REMEDY });
}

/** The path of the first field that breaks its rule; null where none does. */
function wrong(value: unknown, rule: Rule | Shape | readonly [Rule | Shape], path: string): string | null {
  if (typeof rule === 'function') return rule(value) ? null : path;
  if (Array.isArray(rule)) {
    if (!Array.isArray(value)) return path;
    for (const [index, element] of value.entries()) {
      const found = wrong(element, rule[0] as Rule | Shape, `${path}[${index}]`);
      if (found !== null) return found;
    }
    return null;
  }
  if (!object(value)) return path === '' ? 'the document' : path;
  for (const [name, inner] of Object.entries(rule)) {
    const key = name.replace(/\?$/, '');
    const field = (value as Record<string, unknown>)[key];
    if (field === undefined && key !== name) continue;
    const found = wrong(field, inner, path === '' ? key : `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** @throws FormatError for a block that the model does not have. */
function requireBlocks({ model, steps, scores = [] }: PruneResult, where: string): void {
  const names = [
    ...(model.absent ?? []),
    ...steps.flatMap(({ removed, candidates }) => [
      ...(removed === null ? [] : [removed]),
      ...candidates.map(({ block }) => block),
    ]),
    ...scores.map(({ block }) => block),
  ];
  try {
    for (const name of new Set(names)) parseUnit(name, model.numHiddenLayers);
  } catch (cause) {
    if (!(cause instanceof MaskError)) throw cause;
    throw new FormatError(`names a block that its model does not have: ${cause.message}`, {
      where,
      remedy: REMEDY,
      cause,
    });
  }
}
