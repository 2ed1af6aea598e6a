/**
 * A GGUF file, or the parts of a split one, as one set of metadata and tensors. The first part has
 * the model's metadata; each says its number (`split.no`, from 0), how many there are
 * (`split.count`), and how many tensors all of them have (`split.tensors.count`).
 */
import { FormatError, NotFoundError, UnsupportedModelError } from '../../errors.ts';
import type { ByteSource } from '../../platform/byteSource.ts';
import { quoted, shortJson } from '../quoted.ts';
import { refuseOtherKinds } from './otherKinds.ts';
import { parseGguf, type GgufFile } from './parse.ts';
import { MAX_PARTS, parseSplitName } from './splitName.ts';
import type { GgufTensor } from './tensorTable.ts';

/** A tensor and the file it lies in. */
export interface PartTensor extends GgufTensor {
  readonly source: ByteSource;
}

/** The first file's header with the tensors of all parts. */
export interface GgufParts extends GgufFile {
  readonly tensors: ReadonlyMap<string, PartTensor>;
  /** All files, the first one first. */
  readonly sources: readonly ByteSource[];
}

/** Where a GGUF file lies: its name there, and how the others are opened. */
export interface Beside {
  readonly file: string;
  open(file: string): Promise<ByteSource>;
}

/**
 * Reads the headers. What was opened here is closed again after an error; `first` is the caller's.
 * @throws FormatError for damaged or contradicting headers, UnsupportedModelError for what is no
 * model or no first part, NotFoundError for a part that is not there.
 */
export async function openGgufParts(first: ByteSource, beside: Beside | null): Promise<GgufParts> {
  const file = await parseGguf(first);
  refuseOtherKinds(file);
  const files = [file];
  const sources = [first];
  try {
    for (const name of otherParts(file, beside)) {
      const source = await openPart(beside, name, first.name);
      sources.push(source);
      files.push(checkedPart(await parseGguf(source), files.length, file));
    }
    return { ...file, tensors: allTensors(files, sources), sources };
  } catch (error) {
    await Promise.all(sources.slice(1).map((source) => source.close()));
    throw error;
  }
}

/** Names of the parts that belong to a first one. */
function otherParts(file: GgufFile, beside: Beside | null): readonly string[] {
  const count = file.metadata.get('split.count') ?? 0;
  if (count === 0 || count === 1) return [];
  if (typeof count !== 'number' || count > MAX_PARTS) {
    throw new FormatError(`split.count is ${shortJson(count)}, expected 1 … ${MAX_PARTS}.`, { where: file.name });
  }
  const name = beside === null ? null : parseSplitName(beside.file);
  if (name?.count === count && name.part === 1) return name.all.slice(1);
  const first = `NAME-00001-of-${String(count).padStart(5, '0')}.gguf`;
  throw new UnsupportedModelError(`is the first of ${count} parts, but its name does not say so.`, {
    where: file.name,
    remedy: `Name the parts as llama-gguf-split does, ${first} and so on; the others are found by it.`,
  });
}

async function openPart(beside: Beside | null, name: string, first: string): Promise<ByteSource> {
  const missing = (cause?: unknown): NotFoundError => {
    return new NotFoundError(`part ${quoted(name)} of the model is missing.`, {
      where: first,
      remedy: 'Put all parts into one folder.',
      cause,
    });
  };
  if (beside === null) throw missing();
  try {
    return await beside.open(name);
  } catch (cause) {
    throw cause instanceof NotFoundError ? missing(cause) : cause;
  }
}

function checkedPart(part: GgufFile, index: number, { name, metadata }: GgufFile): GgufFile {
  const [number, count] = [part.metadata.get('split.no'), part.metadata.get('split.count')];
  if (number === index && count === metadata.get('split.count')) return part;
  throw new FormatError(
    `says that it is number ${shortJson(number)} of ${shortJson(count)} (split.no, split.count), not ${index}.`,
    { where: part.name, remedy: `It does not belong to ${name}; download the parts again.` },
  );
}

function allTensors(files: readonly GgufFile[], sources: readonly ByteSource[]): Map<string, PartTensor> {
  const tensors = new Map<string, PartTensor>();
  for (const [index, file] of files.entries()) {
    for (const [name, tensor] of file.tensors) {
      if (tensors.has(name)) throw new FormatError(`tensor ${quoted(name)} is in two parts.`, { where: file.name });
      tensors.set(name, { ...tensor, source: sources[index] });
    }
  }
  const total = files[0].metadata.get('split.tensors.count');
  if (files.length > 1 && typeof total === 'number' && total !== tensors.size) {
    throw new FormatError(`split.tensors.count is ${total}, the parts have ${tensors.size} tensors.`, {
      where: files[0].name,
      remedy: 'Download the parts again.',
    });
  }
  return tensors;
}
