/** What a run's document says that can be checked. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, NotFoundError } from '../../errors.ts';
import type { Convention } from '../../eval/convention.ts';
import type { NonFinite } from '../../eval/figures.ts';
import { accessError, readTextFile } from '../../platform/nodeFile.ts';
import { REPAIR_SCHEMA } from '../../prune/repair/repairRun.ts';
import { PRUNE_SCHEMA } from '../../prune/result.ts';
import { WRITE_AGAIN } from '../../repair/readDocument.ts';

/** A perplexity as documents hold it: null with a status where it is not finite. */
export interface RecordedPpl {
  readonly ppl: number | null;
  readonly status?: NonFinite;
}

export interface Recorded {
  /** The document's path. */
  readonly where: string;
  readonly model: { readonly name: string; readonly contentHash: string };
  readonly data: { readonly hash: string; readonly chunks: number; readonly wholeText: boolean };
  readonly convention: Convention;
  readonly backend: string;
  /** By `prune`: what each step removed, and the perplexity without it, as the journal has them. */
  readonly steps: readonly ({ readonly step: number; readonly removed: string | null } & RecordedPpl)[];
  /** Blocks in the order of removal. */
  readonly removed: readonly string[];
  /** Perplexity of what the run came to: of its last step, or after its repair. */
  readonly end: RecordedPpl;
  readonly repaired: boolean;
}

/**
 * Reads result.json, or repair.json, of a run's folder.
 * @throws NotFoundError where there is neither, FormatError for one that is not as it was written.
 */
export async function readRecorded(run: string): Promise<Recorded> {
  const names = await readdir(run).catch((cause: unknown) => {
    throw accessError(run, cause);
  });
  const name = ['result.json', 'repair.json'].find((one) => names.includes(one));
  if (name === undefined) {
    throw new NotFoundError('has no result.json and no repair.json, so there is nothing to verify.', {
      where: run,
      remedy: 'Give a folder that prune or repair wrote.',
    });
  }
  const where = join(run, name);
  const document = fieldsOf(parsed(await readTextFile(where), where));
  const bad = (what: string): FormatError => new FormatError(`${what}.`, { where, remedy: WRITE_AGAIN });
  const { schema } = document;
  if (schema !== PRUNE_SCHEMA && schema !== REPAIR_SCHEMA) throw bad('is no document of prune or repair');
  const { contentHash, name: model } = fieldsOf(document.model);
  const { hash, chunks, wholeText } = fieldsOf(document.data);
  const convention = fieldsOf(document.convention);
  if (typeof contentHash !== 'string' || typeof model !== 'string') throw bad('does not name its model');
  if (typeof hash !== 'string' || typeof chunks !== 'number') throw bad('does not name its text');
  if (typeof convention.chunk !== 'number') throw bad('does not say how its perplexity was taken');
  if (!isTexts(document.removed)) throw bad('does not say what was removed');
  const steps = Array.isArray(document.steps) ? document.steps.map(stepOf) : [];
  const after = fieldsOf(fieldsOf(document.repair).whole).repaired;
  const end = document.repair === undefined ? pplOf(steps.at(-1) ?? document.dense) : pplOf(after);
  if (!steps.every((step) => step !== null) || end === null) throw bad('has no figures');
  return {
    where,
    model: { name: model, contentHash },
    data: { hash, chunks, wholeText: wholeText === true },
    convention: convention as unknown as Convention,
    backend: typeof document.backend === 'string' ? document.backend : '',
    steps,
    removed: document.removed,
    end,
    repaired: document.repair !== undefined,
  };
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new FormatError('is not valid JSON.', { where, remedy: WRITE_AGAIN, cause });
  }
}

function stepOf(value: unknown): Recorded['steps'][number] | null {
  const { step, removed } = fieldsOf(value);
  const ppl = pplOf(value);
  if (typeof step !== 'number' || !(typeof removed === 'string' || removed === null) || ppl === null) return null;
  return { step, removed, ...ppl };
}

/** Null for what is no perplexity. */
function pplOf(value: unknown): RecordedPpl | null {
  const { ppl, status } = fieldsOf(value);
  if (typeof ppl === 'number') return { ppl };
  return ppl === null && (status === 'nan' || status === 'infinite') ? { ppl, status } : null;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
