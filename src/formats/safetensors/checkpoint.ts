/** The safetensors files of a model folder, one or many, seen as one set of tensors. */
import { FormatError } from '../../errors.ts';
import type { ByteSource } from '../../platform/byteSource.ts';
import type { Folder } from '../../platform/folder.ts';
import { readJson } from '../jsonFile.ts';
import { quoted } from '../quoted.ts';
import { noWeights } from './noWeights.ts';
import { parseSafetensors, type SafetensorsTensor } from './parse.ts';
import { parseShardIndex, type ShardIndex } from './shardIndex.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** A tensor and the file it lies in. */
export interface StoredTensor extends SafetensorsTensor {
  readonly source: ByteSource;
}

/** Where a tensor should be. */
export interface AbsentTensor {
  readonly shard: string;
  /** Whether at least that file is there. */
  readonly shardIsThere: boolean;
}

export interface Checkpoint {
  /** By the name it has in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Tensors that the index names and no shard has, by name. */
  readonly absent: ReadonlyMap<string, AbsentTensor>;
  /** @throws FileChangedError when one of the files is no longer the one whose header was read. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, and reads
 * their headers. What the index names and no shard has is noted: whether the model needs it is not
 * known here.
 * @throws NotFoundError when there is neither; FormatError for a damaged file.
 */
export async function openCheckpoint(folder: Folder): Promise<Checkpoint> {
  if (folder.files.has(SINGLE_FILE)) return openFiles(folder, [SINGLE_FILE], null);
  if (!folder.files.has(INDEX_FILE)) throw noWeights(folder);
  const index = parseShardIndex(await readJson(folder, INDEX_FILE), `${folder.name}: ${INDEX_FILE}`);
  return openFiles(
    folder,
    index.files.filter((file) => folder.files.has(file)),
    index,
  );
}

async function openFiles(folder: Folder, files: readonly string[], index: ShardIndex | null): Promise<Checkpoint> {
  const sources: ByteSource[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(sources.map((source) => source.close()));
  };
  const assertUnchanged = async (): Promise<void> => {
    for (const source of sources) await source.assertUnchanged();
  };
  try {
    const found = new Map<string, StoredTensor>();
    for (const file of files) {
      const source = await folder.open(file);
      sources.push(source);
      for (const [name, tensor] of (await parseSafetensors(source)).tensors) {
        // A shard may hold what the index assigns to another one; then the index's word counts.
        if ((index?.fileOf.get(name) ?? file) !== file) continue;
        if (found.has(name)) throw twice(folder, name);
        found.set(name, { ...tensor, source });
      }
    }
    const absent = new Map<string, AbsentTensor>();
    for (const [name, shard] of index?.fileOf ?? []) {
      if (!found.has(name)) absent.set(name, { shard, shardIsThere: files.includes(shard) });
    }
    return { tensors: found, absent, assertUnchanged, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function twice(folder: Folder, name: string): FormatError {
  return new FormatError(`tensor ${quoted(name)} is in two shards, and ${INDEX_FILE} names none of them.`, {
    where: folder.name,
    remedy: 'Download the model again.',
  });
}
