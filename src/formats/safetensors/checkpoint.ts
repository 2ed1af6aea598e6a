/** The safetensors files of a model folder, one or many, seen as one set of tensors. */
import { FormatError, NotFoundError } from '../../errors.ts';
import type { ByteSource } from '../../platform/byteSource.ts';
import type { Folder } from '../../platform/folder.ts';
import { readJson } from '../jsonFile.ts';
import { quoted } from '../quoted.ts';
import { parseSafetensors, type SafetensorsTensor } from './parse.ts';
import { parseShardIndex, type ShardIndex } from './shardIndex.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** A tensor and the file it lies in. */
export interface StoredTensor extends SafetensorsTensor {
  readonly source: ByteSource;
}

export interface Checkpoint {
  /** By the name it has in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  close(): Promise<void>;
}

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, and reads their headers.
 * @throws NotFoundError when there is neither, or a shard is missing; FormatError for a damaged file, or a shard that
 * lacks a tensor the index says it has.
 */
export async function openCheckpoint(folder: Folder): Promise<Checkpoint> {
  if (folder.files.has(SINGLE_FILE)) return openFiles(folder, [SINGLE_FILE], null);
  if (!folder.files.has(INDEX_FILE)) {
    throw new NotFoundError(`has neither ${SINGLE_FILE} nor ${INDEX_FILE}.`, {
      where: folder.name,
      remedy: 'Save the model as safetensors, or point to a .gguf file.',
    });
  }
  const index = parseShardIndex(await readJson(folder, INDEX_FILE), `${folder.name}: ${INDEX_FILE}`);
  const missing = index.files.find((file) => !folder.files.has(file));
  if (missing !== undefined) {
    throw new NotFoundError(`shard ${quoted(missing)} is missing; ${INDEX_FILE} names it.`, {
      where: folder.name,
      remedy: 'Download the model again.',
    });
  }
  return openFiles(folder, index.files, index);
}

async function openFiles(folder: Folder, files: readonly string[], index: ShardIndex | null): Promise<Checkpoint> {
  const sources: ByteSource[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(sources.map((source) => source.close()));
  };
  try {
    const found = new Map<string, StoredTensor>();
    for (const file of files) {
      const source = await folder.open(file);
      sources.push(source);
      for (const [name, tensor] of (await parseSafetensors(source)).tensors) {
        // A shard may hold what the index assigns to another one; only the index's word counts.
        if (index === null || index.fileOf.get(name) === file) found.set(name, { ...tensor, source });
      }
    }
    for (const [name, file] of index?.fileOf ?? []) {
      if (!found.has(name)) {
        throw new FormatError(`tensor ${quoted(name)} is not there, although ${INDEX_FILE} says so.`, {
          where: `${folder.name}: ${file}`,
          remedy: 'Download the model again.',
        });
      }
    }
    return { tensors: found, close };
  } catch (error) {
    await close();
    throw error;
  }
}
