/**
 * Writing a model: one interface for every format, and files that appear together or not at all.
 */
import { UnsupportedModelError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { WeightSource } from '../../model/weights.ts';
import type { FileSink, OpenSink } from '../../platform/fileSink.ts';

/**
 * A format that models are written in. To add one: a file here, and a spec that calls
 * `writerSuite`.
 */
export interface ModelWriter {
  /** As messages and options call it: `safetensors F16`. */
  readonly name: string;
  /** What the format cannot say of such a model, in words; null where it can say everything. */
  refuses(config: ModelConfig): string | null;
  /**
   * The files of a model, in the order in which they appear: the one that makes a folder a model
   * comes last. Their bytes are made as they are written, one tensor at a time.
   * @param companions files that go along: a tokenizer, a licence.
   * @throws before its first byte where the source lacks a tensor.
   */
  files(source: WeightSource, companions: Companions): FileToWrite[];
}

/** By file name. */
export type Companions = ReadonlyMap<string, Uint8Array>;

export interface FileToWrite {
  readonly name: string;
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * Writes a model. All files are written before the first one appears; where anything fails, none
 * does.
 * @throws UnsupportedModelError for what the format cannot say; what the source and the sinks
 * throw.
 */
export async function writeModel(
  writer: ModelWriter,
  source: WeightSource,
  companions: Companions,
  open: OpenSink,
): Promise<void> {
  const reason = writer.refuses(source.config);
  if (reason !== null) {
    throw new UnsupportedModelError(`${reason}, so this model cannot be written as ${writer.name}.`, {
      where: source.name,
    });
  }
  const sinks: FileSink[] = [];
  try {
    for (const { name, pieces } of writer.files(source, companions)) {
      const sink = await open(name);
      sinks.push(sink);
      for await (const piece of pieces) await sink.write(piece);
    }
    // What was read while it was written must all be of one model.
    await source.assertUnchanged();
    for (let sink = sinks.at(0); sink !== undefined; sink = sinks.at(0)) {
      await sink.close();
      sinks.shift();
    }
  } catch (error) {
    for (const sink of sinks) await sink.abort();
    throw error;
  }
}
