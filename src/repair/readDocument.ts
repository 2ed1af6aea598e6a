/** Reads back what a document says of a repair: enough to run the repaired model and name it. */
import { FormatError } from '../errors.ts';
import type { TensorInfo } from '../model/weights.ts';
import { repairScopes, type RepairScope } from './cuts.ts';
import type { RepairDocument } from './document.ts';
import { repairForms, type RepairForm } from './fit.ts';
import { tensorFile, type StoredTensor } from './store.ts';

const DAMAGED = 'Run the command that wrote it again: it goes on from its journal.';

/** What is read of a `RepairDocument`; the rest is for people. */
export interface WrittenRepair extends Pick<RepairDocument, 'mask' | 'tensors'> {
  readonly form: RepairForm;
  readonly scope: RepairScope;
}

/**
 * @param value what stands where a document has its repair.
 * @param tensors the model's: every tensor that was fitted is one of them, in its shape.
 * @throws FormatError where it is no repair of this model, naming what is wrong.
 */
export function readRepair(value: unknown, where: string, tensors: ReadonlyMap<string, TensorInfo>): WrittenRepair {
  const bad = (what: string): FormatError => {
    return new FormatError(`its repair ${what}.`, { where, remedy: DAMAGED });
  };
  const { mask, settings, tensors: stored } = fieldsOf(value);
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
  return { mask, form, scope, tensors: found };
}

/** How a model was repaired, in a few words: `refit of every kept block, 46 tensors changed`. */
export function repairWords({ form, scope, tensors }: Pick<WrittenRepair, 'form' | 'scope' | 'tensors'>): string {
  const where = scope === 'cuts' ? 'before each cut' : 'of every kept block';
  return `${form} ${where}, ${tensors.length === 1 ? '1 tensor' : `${tensors.length} tensors`} changed`;
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
