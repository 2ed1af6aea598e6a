/** Which model a run's folder belongs to: blocks that one model misses least are not another's. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { escapeControls, JournalMismatchError } from '../errors.ts';
import { formatBlock } from '../model/blockId.ts';
import type { WeightSource } from '../model/weights.ts';
import { readTextFile } from '../platform/nodeFile.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { readOfficialOrder } from '../prune/officialOrder.ts';

/** A folder's record of its model. */
interface Recorded {
  /** The file that says so. */
  where: string;
  /** The model's name as it was given then; null where it was not kept. */
  name: string | null;
  contentHash: string;
  /**
   * What each step removed (`L5.mlp`, `L5.mha,L5.mlp`, nothing); null where the file does not say.
   */
  removed: readonly string[] | null;
}

const ORDER = 'del_order_list.json';

/**
 * Makes sure that a run is one on this model and that its two lists of removed blocks agree.
 * @param warn hears where the folder does not say what it was a run on.
 * @throws JournalMismatchError where it was another model's run.
 */
export async function requireOwnRun(
  run: string,
  weights: WeightSource,
  warn: (message: string) => void,
): Promise<void> {
  const order = join(run, ORDER);
  const [recorded] = await recordsOf(run);
  if (recorded === undefined) {
    warn(`${run}: has no result.json and no journal, so it cannot be checked that this model was searched there.`);
    return;
  }
  const { where, name, contentHash, removed } = recorded;
  if (contentHash !== (await weights.contentHash(nodeHasher()))) {
    const found = name === null ? 'another model' : `a model named '${name}'`;
    throw new JournalMismatchError(`this run searched ${found}, whose weights are not those of '${weights.name}'.`, {
      where,
      remedy: `Give the model that was searched. To remove the same blocks of this one, use --mask ${order}.`,
    });
  }
  const steps = readOfficialOrder(await readTextFile(order), order, weights.config);
  if (
    removed === null ||
    sameSteps(
      steps.map((blocks) => blocks.map(formatBlock)),
      removed,
    )
  )
    return;
  throw new JournalMismatchError(`does not remove what ${where} says.`, {
    where: order,
    remedy: 'Run the search again, which writes both anew from its journal.',
  });
}

/** Warns where `--mask` takes its blocks from a folder that says they are another model's. */
export async function warnOfForeignMask(
  argument: string,
  weights: WeightSource,
  warn: (message: string) => void,
): Promise<void> {
  const file = argument.replace(/@\d+$/, '');
  if (basename(file) !== ORDER) return;
  const records = await recordsOf(dirname(file));
  if (records.length === 0) return;
  const own = await weights.contentHash(nodeHasher());
  if (records.some(({ contentHash }) => contentHash === own)) return;
  const [{ name }] = records;
  const found = name === null ? 'another model' : `a model named '${name}'`;
  warn(`${file}: these blocks were chosen for ${found}, whose weights are not those of '${weights.name}'.`);
}

/** What the files of a folder say; none where there is nothing, or nothing that can be read. */
async function recordsOf(folder: string): Promise<Recorded[]> {
  const found = [
    await resultOf(join(folder, 'result.json')),
    await repairOf(join(folder, 'repair.json')),
    await healingOf(join(folder, 'healing.json')),
  ];
  const records = found.filter((record) => record !== null);
  if (records.length > 0) return records;
  const journal = await journalOf(join(folder, 'journal.jsonl'));
  return journal === null ? [] : [journal];
}

async function resultOf(where: string): Promise<Recorded | null> {
  const result = (await readJson(where)) as {
    model?: { name?: unknown; contentHash?: unknown };
    steps?: unknown;
  } | null;
  const contentHash = result?.model?.contentHash;
  if (typeof contentHash !== 'string') return null;
  const steps = Array.isArray(result?.steps) ? (result.steps as ({ removed?: unknown } | null)[]) : null;
  const removed = steps?.map((step) => (typeof step?.removed === 'string' ? step.removed : '')) ?? null;
  return { where, name: textOf(result?.model?.name), contentHash, removed };
}

async function repairOf(where: string): Promise<Recorded | null> {
  const result = (await readJson(where)) as {
    model?: { name?: unknown; contentHash?: unknown };
    repair?: { mask?: unknown };
  } | null;
  const contentHash = result?.model?.contentHash;
  if (typeof contentHash !== 'string') return null;
  const mask = result?.repair?.mask;
  return { where, name: textOf(result?.model?.name), contentHash, removed: typeof mask === 'string' ? [mask] : null };
}

async function healingOf(where: string): Promise<Recorded | null> {
  const healing = (await readJson(where)) as { model?: unknown; contentHash?: unknown } | null;
  if (typeof healing?.contentHash !== 'string') return null;
  return { where, name: textOf(healing.model), contentHash: healing.contentHash, removed: null };
}

async function journalOf(where: string): Promise<Recorded | null> {
  const header = (await readJson(where, '\n')) as { weights?: unknown } | null;
  if (typeof header?.weights !== 'string') return null;
  return { where, name: null, contentHash: header.weights, removed: null };
}

/** Null where there is no such file, or it holds no JSON up to `end`. */
async function readJson(path: string, end?: string): Promise<unknown> {
  try {
    const text = await readFile(path, 'utf8');
    return JSON.parse(end === undefined ? text : text.split(end, 1)[0]);
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? escapeControls(value.slice(0, 200)) : null;
}

function sameSteps(steps: readonly (readonly string[])[], removed: readonly string[]): boolean {
  const inOrder = (names: readonly string[]): string => [...names].sort().join(',');
  return (
    steps.length === removed.length &&
    steps.every((names, index) => inOrder(names) === inOrder(removed[index].split(',').filter(Boolean)))
  );
}
