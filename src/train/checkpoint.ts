/**
 * A stopped training run in one file: trained parameters and AdamW's averages as they are (F32), in
 * safetensors, with what the run is and how far it got in the metadata. Resuming from it gives the
 * bits that going on would have given.
 */
import { FormatError, JournalMismatchError } from '../errors.ts';
import { parseSafetensors } from '../formats/safetensors/parse.ts';
import { serializeSafetensors, type TensorToWrite } from '../formats/safetensors/write.ts';
import { memoryBytes } from '../platform/memoryBytes.ts';
import type { Hasher } from '../platform/sha256.ts';
import { AdamW, type AdamWSettings, type Moments } from './adamW.ts';
import { BLANK_SUM, seal } from './checkpointSum.ts';
import { parameterOf } from '../autodiff/parameters.ts';
import type { Trainee } from '../autodiff/trainee.ts';

/** Where one checkpoint is kept; a write replaces the one before, whole or not at all. */
export interface CheckpointStore {
  /** Name for messages. */
  readonly name: string;
  /** Null where there is none yet. */
  read(): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
}

/** A store in memory, for runs that need none and for specs. */
export function memoryCheckpoint(bytes: Uint8Array | null = null): CheckpointStore {
  let kept = bytes;
  return {
    name: 'checkpoint in memory',
    read: () => Promise.resolve(kept),
    write(next) {
      kept = next;
      return Promise.resolve();
    },
  };
}

/** @param identity what the run is: config, data, settings, kernels. */
export function encodeCheckpoint(
  trainee: Trainee,
  optimizer: AdamW,
  identity: string,
  newHasher: () => Hasher,
): Uint8Array {
  const tensors = new Map<string, TensorToWrite>();
  const add = (kind: string, name: string, data: Float32Array): void => {
    tensors.set(`${kind}/${name}`, { shape: parameterOf(trainee.parameters, name).shape, dtype: 'F32', data });
  };
  for (const name of trainee.trained) {
    add('parameter', name, parameterOf(trainee.parameters, name).data as Float32Array);
    const moments = optimizer.moments.get(name);
    if (moments === undefined) continue;
    add('first', name, moments.first);
    add('second', name, moments.second);
  }
  // The checksum first: checkpointSum.ts looks for it there.
  const metadata = { sha256: BLANK_SUM, steps: String(optimizer.steps), identity };
  const file = serializeSafetensors(tensors, new Map(Object.entries(metadata)));
  seal(file, newHasher);
  return file;
}

/**
 * Puts a checkpoint's parameters into the trainee and gives the optimizer as it was.
 * @throws FormatError for a damaged file, JournalMismatchError for another run's.
 */
export async function decodeCheckpoint(
  bytes: Uint8Array,
  name: string,
  trainee: Trainee,
  settings: AdamWSettings,
  identity: string,
): Promise<AdamW> {
  const file = await parseSafetensors(memoryBytes(name, bytes));
  if (file.metadata.get('identity') !== identity) {
    throw new JournalMismatchError('belongs to a run with another recipe, other data or other kernels.', {
      where: name,
      remedy: 'Use another --out; that run is kept.',
    });
  }
  const read = async (kind: string, parameter: string): Promise<Float32Array | null> => {
    const stored = file.tensors.get(`${kind}/${parameter}`);
    if (stored === undefined) return null;
    const { length } = parameterOf(trainee.parameters, parameter).data;
    if (stored.dtype !== 'F32' || stored.bytes !== length * 4) {
      throw new FormatError(`tensor '${kind}/${parameter}' does not fit the model.`, { where: name });
    }
    const copy = (await file.source.read(stored.offset, stored.bytes)).slice();
    return new Float32Array(copy.buffer);
  };
  const moments = new Map<string, Moments>();
  for (const parameter of trainee.trained) {
    const values = await read('parameter', parameter);
    if (values === null) throw new FormatError(`tensor 'parameter/${parameter}' is missing.`, { where: name });
    parameterOf(trainee.parameters, parameter).data.set(values);
    const [first, second] = [await read('first', parameter), await read('second', parameter)];
    if (first !== null && second !== null) moments.set(parameter, { first, second });
  }
  const steps = Number(file.metadata.get('steps'));
  if (!Number.isSafeInteger(steps) || steps < 0) throw new FormatError('has no number of steps.', { where: name });
  return new AdamW(settings, moments, steps);
}
