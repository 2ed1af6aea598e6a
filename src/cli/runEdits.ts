/** What a run's folder makes of a model: the blocks that were removed, and the repair. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { FormatError, NotFoundError, UsageError } from '../errors.ts';
import { edited, type RewriteEdit } from '../model/edit.ts';
import { Mask } from '../model/mask.ts';
import type { WeightSource } from '../model/weights.ts';
import { accessError, readTextFile } from '../platform/nodeFile.ts';
import { folderFiles } from '../platform/nodeFiles.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { readMaskArgument } from '../prune/maskArgument.ts';
import {
  readRepair,
  repairEdits,
  repairIdentity,
  repairWords,
  WRITE_AGAIN,
  type WrittenRepair,
} from '../repair/readDocument.ts';
import { tensorStore } from '../repair/store.ts';
import { requireOwnRun, warnOfForeignMask } from './runModel.ts';

/** How a command is told which blocks are gone. */
export interface PrunedOptions {
  mask?: string;
  run?: string;
  step?: number;
}

/** A repair that a run's folder holds. */
export interface RunRepair extends Omit<WrittenRepair, 'mask'> {
  /** The folder's name. */
  readonly run: string;
}

/** A pruned model: what is removed from it, and what is rewritten. */
export interface RunEdits {
  readonly mask: Mask;
  readonly edits: readonly RewriteEdit[];
  /** Null where the model is pruned and no more. */
  readonly repair: RunRepair | null;
}

/** @throws UsageError for options that exclude each other. */
export function checkPruned({ mask, run, step }: PrunedOptions): void {
  if (step !== undefined && run === undefined) throw new UsageError('--step goes with --run.');
  if (mask !== undefined && run !== undefined) {
    throw new UsageError('--mask and --run both say which blocks are removed.', { remedy: 'Give one of them.' });
  }
}

/**
 * What `--mask` or `--run` (with `--step`) makes of a model; nothing where neither is given.
 * @param warn hears where blocks were chosen for another model, or nobody can tell.
 * @throws what `runEdits` throws; MaskError, FormatError or DataError for a mask that does not fit.
 */
export async function prunedEdits(
  { mask, run, step }: PrunedOptions,
  weights: WeightSource,
  warn: (message: string) => void,
): Promise<RunEdits> {
  if (run !== undefined) return runEdits(run, step, weights, warn);
  return { mask: await prunedMask({ mask }, weights, warn), edits: [], repair: null };
}

/**
 * The removed blocks alone, whatever repair a run has.
 * @throws as `prunedEdits`, but for what is wrong with a repair.
 */
export async function prunedMask(
  { mask = '', run, step }: PrunedOptions,
  weights: WeightSource,
  warn: (message: string) => void,
): Promise<Mask> {
  if (run !== undefined) await requireRunFolder(run);
  const argument = run === undefined ? mask : orderArgument(run, step);
  const found = await readMaskArgument(argument, weights.config, readTextFile);
  if (run === undefined) await warnOfForeignMask(mask, weights, warn);
  else await requireOwnRun(run, weights, warn);
  return found;
}

/** @throws NotFoundError where it is missing, or a folder that no run has ended in. */
async function requireRunFolder(run: string): Promise<void> {
  const code = await stat(join(run, ORDER)).then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (code !== 'ENOENT') return;
  throw new NotFoundError(`is not the folder of a finished run: there is no ${ORDER} in it.`, {
    where: run,
    remedy: 'Give the folder that prune --out wrote.',
  });
}

const ORDER = 'del_order_list.json';

function orderArgument(run: string, step: number | undefined): string {
  return `${join(run, ORDER)}${step === undefined ? '' : `@${step}`}`;
}

/**
 * The edits of a run by `prune` or `repair`. Fitted tensors are read, and their hashes checked,
 * when the model asks for them.
 * @param step how many of its steps count; all where it is undefined.
 * @throws JournalMismatchError where it is another model's run; UsageError where its repair belongs
 * to another step; NotFoundError, FormatError, AccessError or DataError for files that are missing,
 * damaged or not a run's.
 */
export async function runEdits(
  run: string,
  step: number | undefined,
  weights: WeightSource,
  warn: (message: string) => void,
): Promise<RunEdits> {
  const mask = await prunedMask({ run, step }, weights, warn);
  const repairs = await repairsOf(run, weights);
  if (repairs.length === 0) return { mask, edits: [], repair: null };
  const found = repairs.find((repair) => sameBlocks(repair.mask, mask));
  if (found === undefined) {
    throw new UsageError(`was repaired after all its removals, and not after step ${step}.`, {
      where: run,
      remedy: `Leave --step out, or use --mask ${orderArgument(run, step)} for the model without a repair.`,
    });
  }
  const store = tensorStore(folderFiles(run), nodeHasher);
  const { mask: removed, ...repair } = found;
  return {
    // In the order of removal; the list of a step has lost it.
    mask: Mask.parse(removed, weights.config),
    edits: repairEdits(repair, weights.config, mask, store),
    repair: { run: basename(resolve(run)), ...repair },
  };
}

/** The model as it is run: the repaired weights where there is a repair. */
export function repairedWeights(weights: WeightSource, { edits }: RunEdits): WeightSource {
  return edits.length === 0 ? weights : edited(weights, edits);
}

/** `without L5.mlp; repaired by run 'repaired': refit of every kept block, 46 tensors changed` */
export function prunedWords(mask: Mask, repair: RunRepair | null): string {
  const repaired = repair === null ? '' : `; repaired by run '${repair.run}': ${repairWords(repair)}`;
  return `without ${mask.toString()}${repaired}`;
}

/** What a document says of a repaired model; nothing where it is not. */
export function repairField(repair: RunRepair | null): { repair?: object } {
  return repair === null ? {} : { repair: { run: repair.run, ...repairIdentity(repair) } };
}

/** All repairs that a run's documents hold. */
async function repairsOf(run: string, weights: WeightSource): Promise<WrittenRepair[]> {
  const repairs: WrittenRepair[] = [];
  for (const file of ['repair.json', 'result.json']) {
    const where = join(run, file);
    const document = (await readDocument(where)) as { repair?: unknown; steps?: unknown } | null;
    const steps = Array.isArray(document?.steps) ? (document.steps as ({ repair?: unknown } | null)[]) : [];
    // A step may say what its repair came to without keeping it.
    const kept = steps.map((own) => own?.repair).filter((own) => hasTensors(own));
    for (const section of [document?.repair, ...kept]) {
      if (section !== undefined && section !== null) repairs.push(readRepair(section, where, weights));
    }
  }
  return repairs;
}

function hasTensors(section: unknown): boolean {
  return Array.isArray((section as { tensors?: unknown } | null | undefined)?.tensors);
}

/** Null where the file is missing. A file that cannot be read might hold a repair. */
async function readDocument(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw accessError(path, cause);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new FormatError('is not valid JSON, so it cannot be told whether the model was repaired.', {
      where: path,
      remedy: WRITE_AGAIN,
      cause,
    });
  }
}

function sameBlocks(text: string, mask: Mask): boolean {
  const sorted = (names: string): string => names.split(',').toSorted().join();
  return sorted(text) === sorted(mask.toString());
}
