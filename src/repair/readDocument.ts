/** Reads back what a document says of a repair: enough to run the repaired model and name it. */
import { FormatError } from '../errors.ts';
import { parseBlock } from '../model/blockId.ts';
import type { ModelConfig } from '../model/config.ts';
import type { RewriteEdit } from '../model/edit.ts';
import type { Mask } from '../model/mask.ts';
import type { WeightSource } from '../model/weights.ts';
import { repairScopes, type RepairScope } from './cuts.ts';
import type { RepairDocument } from './document.ts';
import { repairForms, type RepairForm } from './fit.ts';
import { scaleEdits, type CutScale } from './scaleWalk.ts';
import { storedEdits, tensorFile, type StoredTensor, type TensorStore } from './store.ts';

/** What to do about a document that is not as it was written. */
export const WRITE_AGAIN = 'Run the command that wrote it again: it goes on from its journal.';

/** What is read of a `RepairDocument`; the rest is for people. */
export interface WrittenRepair extends Pick<RepairDocument, 'mask' | 'tensors'> {
  readonly form: RepairForm;
  readonly scope: RepairScope;
  /** Of form `scale`: all that it fitted, since the weights follow from it. Else empty. */
  readonly scales: readonly CutScale[];
}

/** The same of a document that was just made. */
export function writtenRepair({ mask, settings, tensors, blocks }: RepairDocument): WrittenRepair {
  const { form, scope } = settings;
  return { mask, form, scope, tensors, scales: form === 'scale' ? blocks.flatMap(scaleOf) : [] };
}

/**
 * The rewrites that make a model the repaired one: fitted tensors, each read from the store when
 * it is asked for, or the weights that scales are folded into.
 */
export function repairEdits(
  { tensors, scales }: Pick<WrittenRepair, 'tensors' | 'scales'>,
  config: ModelConfig,
  mask: Mask,
  store: TensorStore,
): RewriteEdit[] {
  return [...storedEdits(tensors, store), ...scaleEdits(config, mask, scales)];
}

/**
 * @param value what stands where a document has its repair.
 * @param model every tensor that was fitted is one of its own, in its shape.
 * @throws FormatError where it is no repair of this model, naming what is wrong.
 */
export function readRepair(
  value: unknown,
  where: string,
  { config, tensors }: Pick<WeightSource, 'config' | 'tensors'>,
): WrittenRepair {
  const bad = (what: string): FormatError => {
    return new FormatError(`its repair ${what}.`, { where, remedy: WRITE_AGAIN });
  };
  const { mask, settings, tensors: stored, blocks } = fieldsOf(value);
  if (typeof mask !== 'string') throw bad('does not say which blocks were removed');
  const { form, scope } = fieldsOf(settings);
  if (!isOneOf(repairForms, form) || !isOneOf(repairScopes, scope)) throw bad('does not say how it was made');
  if (!Array.isArray(stored)) throw bad('does not list its tensors');
  const found = stored.map((one: unknown) => {
    const tensor = tensorOf(one);
    if (tensor === null) throw bad('lists a tensor that no repair writes');
    const own = tensors.get(tensor.name);
    if (own?.shape.join() !== tensor.shape.join())
      throw bad(`lists a tensor that the model does not have: ${tensor.name}`);
    return tensor;
  });
  const twice = found.find(({ name }, index) => found.findIndex((one) => one.name === name) !== index);
  if (twice !== undefined) throw bad(`lists ${twice.name} twice`);
  const scales = form === 'scale' ? readScales(blocks, config.layers.length) : [];
  if (scales === null) throw bad('does not say what was scaled, and by how much');
  return { mask, form, scope, tensors: found, scales };
}

/** How a model was repaired, in a few words: `refit of every kept block, 46 tensors changed`. */
export function repairWords({ form, scope, tensors, scales }: Omit<WrittenRepair, 'mask'>): string {
  const where = scope === 'cuts' ? 'before each cut' : 'of every kept block';
  const changed = form === 'scale' ? counted(scales.length, 'number') : `${counted(tensors.length, 'tensor')} changed`;
  return `${form} ${where}, ${changed}`;
}

/** What tells a repair from another, without where it lies. */
export interface RepairIdentity {
  readonly form: RepairForm;
  readonly scope: RepairScope;
  readonly tensors: readonly Pick<StoredTensor, 'name' | 'sha256'>[];
  /** Of form `scale`: by what the stream after a block was multiplied. */
  readonly scales?: readonly CutScale[];
}

export function repairIdentity({ form, scope, tensors, scales }: Omit<WrittenRepair, 'mask'>): RepairIdentity {
  const fitted = tensors.map(({ name, sha256 }) => ({ name, sha256 }));
  return { form, scope, tensors: fitted, ...(scales.length === 0 ? {} : { scales }) };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** A cut's number; nothing where the stream stays as it is. */
function scaleOf({ block, scale = 1 }: CutScale): CutScale[] {
  return scale === 1 ? [] : [{ block, scale }];
}

/** Null for what no repair has fitted. */
function readScales(blocks: unknown, layers: number): CutScale[] | null {
  if (!Array.isArray(blocks)) return null;
  const scales: CutScale[] = [];
  for (const one of blocks) {
    const { block, scale } = fieldsOf(one);
    if (typeof block !== 'string' || !isBlock(block, layers)) return null;
    if (typeof scale !== 'number' || !(scale > 0 && scale < Infinity)) return null;
    scales.push({ block, scale });
  }
  return scales.flatMap(scaleOf);
}

function isBlock(text: string, layers: number): boolean {
  try {
    parseBlock(text, layers);
    return true;
  } catch {
    return false;
  }
}

function isOneOf<T extends string>(words: readonly T[], value: unknown): value is T {
  return words.some((word) => word === value);
}

/** Null for what no store has given. */
function tensorOf(value: unknown): StoredTensor | null {
  const { name, shape, sha256, file } = fieldsOf(value);
  if (typeof name !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size))) return null;
  // A file's name is made from the tensor's, so that a document cannot lead elsewhere.
  return file === tensorFile(name, sha256) ? { name, shape: shape as number[], sha256, file } : null;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
