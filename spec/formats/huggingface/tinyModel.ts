/** Synthesised models of a few kilobytes, as the files of a folder. */
import { parseHfConfig } from '../../../src/formats/huggingface/config.ts';
import { expectedTensors } from '../../../src/formats/huggingface/tensorShapes.ts';
import { serializeSafetensors, type TensorToWrite } from '../../../src/formats/safetensors/write.ts';
import type { Folder } from '../../../src/platform/folder.ts';
import { NotFoundError } from '../../../src/errors.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { seededRng } from '../../../src/tensor/rng.ts';
import { numel } from '../../../src/tensor/shape.ts';
import { drawArray } from '../../arbitraries.ts';

export type Files = Map<string, Uint8Array>;

/** Random weights for a config, under canonical names and in the layout the files have. */
export function randomWeights(config: Readonly<Record<string, unknown>>, seed = 1): Map<string, TensorToWrite> {
  const rng = seededRng(seed);
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { shape, transposed }] of expectedTensors(parseHfConfig(config, 'config').config)) {
    const stored = transposed ? shape.toReversed() : [...shape];
    tensors.set(name, { shape: stored, dtype: 'F32', data: drawArray(rng, numel(stored)) });
  }
  return tensors;
}

/** A folder's files with one model.safetensors. */
export function singleFile(
  config: Readonly<Record<string, unknown>>,
  tensors: Map<string, TensorToWrite> = randomWeights(config),
): Files {
  return new Map([
    ['config.json', jsonBytes(config)],
    ['tokenizer.json', jsonBytes({ type: 'blockpruner-byte' })],
    ['model.safetensors', serializeSafetensors(tensors)],
  ]);
}

/** The same with the tensors dealt out to `count` shards. */
export function sharded(
  config: Readonly<Record<string, unknown>>,
  count: number,
  tensors: Map<string, TensorToWrite> = randomWeights(config),
): Files {
  const files: Files = new Map([['config.json', jsonBytes(config)]]);
  const fileOf: Record<string, string> = {};
  for (let shard = 0; shard < count; shard++) {
    const own = new Map([...tensors].filter((_, index) => index % count === shard));
    const file = `model-0000${shard + 1}-of-0000${count}.safetensors`;
    for (const name of own.keys()) fileOf[name] = file;
    files.set(file, serializeSafetensors(own));
  }
  return files.set('model.safetensors.index.json', jsonBytes({ weight_map: fileOf }));
}

export function jsonBytes(json: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}

/** A folder in memory that counts the bytes read and the files still open. */
export function memoryFolder(
  files: Files,
): Folder & { bytesRead: number; open(file: string): Promise<any>; left: number } {
  const folder = {
    name: 'folder',
    files: new Set(files.keys()),
    bytesRead: 0,
    left: 0,
    open(file: string) {
      const bytes = files.get(file);
      if (bytes === undefined) return Promise.reject(new NotFoundError('no such file.', { where: file }));
      const source = memoryBytes(`folder/${file}`, bytes);
      folder.left++;
      return Promise.resolve({
        ...source,
        read(offset: number, length: number) {
          folder.bytesRead += length;
          return source.read(offset, length);
        },
        close() {
          folder.left--;
          return Promise.resolve();
        },
      });
    },
  };
  return folder;
}
