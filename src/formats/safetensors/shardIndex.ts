import { FormatError } from '../../errors.ts';
import { isPlainFileName } from '../../platform/plainFileName.ts';
import { quoted } from '../quoted.ts';

/** More shards than any published model has, few enough to keep all of them open. */
const MAX_SHARDS = 1024;

export interface ShardIndex {
  /** Tensor name → file name. */
  readonly fileOf: ReadonlyMap<string, string>;
  /** The shards, sorted. */
  readonly files: readonly string[];
}

/**
 * Reads `model.safetensors.index.json`: { weight_map: { tensor: file } }. A file name must be a
 * plain one: an index is data from elsewhere and must not lead out of its folder.
 * @throws FormatError when it does not say that.
 */
export function parseShardIndex(json: unknown, where: string): ShardIndex {
  const bad = (message: string): FormatError => new FormatError(message, { where });
  const map: unknown = typeof json === 'object' && json !== null ? (json as { weight_map?: unknown }).weight_map : null;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw bad("'weight_map' is not a JSON object.");
  const fileOf = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== 'string') throw bad(`tensor ${quoted(tensor)} is mapped to no file name.`);
    if (!isPlainFileName(file)) throw bad(`shard name ${quoted(file)} is not a plain file name.`);
    fileOf.set(tensor, file);
  }
  const files = [...new Set(fileOf.values())].toSorted();
  if (files.length === 0 || files.length > MAX_SHARDS) {
    throw bad(`names ${files.length} shards, expected 1 to ${MAX_SHARDS}.`);
  }
  return { fileOf, files };
}
