/**
 * How the stages of a `tokenizer.json` are read: one part by its type, or several in a sequence.
 */
import { FormatError, UnsupportedModelError } from '../errors.ts';
import { isRecord, listField, shown, textField, type JsonRecord } from './jsonFields.ts';

/** What every part of a stage says of itself. */
export interface Part {
  /** An upper bound on a text's length after it, as a multiple of its length before. */
  readonly growth: number;
}

/** How one stage is read. */
export interface StageReader<P extends Part> {
  readonly name: 'normalizer' | 'pre_tokenizer' | 'decoder';
  /** The key of a sequence's parts. */
  readonly sequenceKey: string;
  /** By type. */
  readonly readers: Readonly<Record<string, (json: JsonRecord, where: string) => P>>;
  /** Several parts, applied one after the other. */
  readonly join: (parts: readonly P[]) => Omit<P, 'growth'>;
}

/** Deeper than any real file nests its sequences, and shallow enough for the stack. */
const MAX_DEPTH = 8;

/**
 * How many times its length a text may become; real files keep it, or have three bytes for a
 * character.
 */
const MAX_GROWTH = 1024;

/**
 * A stage; null where the file has none.
 * @throws FormatError for missing or mistyped fields, and for parts that feed each other until a
 * short text fills the memory; UnsupportedModelError for a kind of part that is not known.
 */
export function readStage<P extends Part>(reader: StageReader<P>, json: unknown, where: string, depth = 0): P | null {
  if (json === null || json === undefined) return null;
  const place = `${where}: ${reader.name}`;
  if (!isRecord(json)) throw new FormatError('is not a JSON object.', { where: place });
  const type = textField(json, 'type', place);
  if (type === 'Sequence') {
    if (depth === MAX_DEPTH) throw new FormatError('nests too deep.', { where: place });
    const parts = listField(json, reader.sequenceKey, place).map((part) => readStage(reader, part, where, depth + 1));
    const read = parts.filter((part) => part !== null);
    const growth = read.reduce((product, part) => product * part.growth, 1);
    return bounded({ ...reader.join(read), growth } as P, place);
  }
  if (!Object.hasOwn(reader.readers, type)) {
    throw new UnsupportedModelError(`${shown(type)} is not supported.`, {
      where: place,
      remedy: `Supported: ${Object.keys(reader.readers).join(', ')}, Sequence.`,
    });
  }
  return bounded(reader.readers[type](json, place), place);
}

function bounded<P extends Part>(part: P, where: string): P {
  if (part.growth > MAX_GROWTH) throw new FormatError('makes texts impossibly long.', { where });
  return part;
}
