import { FormatError, NotFoundError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { TensorInfo, WeightSource } from '../../model/weights.ts';
import type { Folder } from '../../platform/folder.ts';
import type { Hasher } from '../../platform/sha256.ts';
import { readJson } from '../jsonFile.ts';
import { quoted } from '../quoted.ts';
import { openCheckpoint, type Checkpoint, type StoredTensor } from '../safetensors/checkpoint.ts';
import { decodeFloats } from '../safetensors/dtypes.ts';
import { parseHfConfig } from './config.ts';
import { expectedTensors, type ExpectedTensor } from './tensorShapes.ts';
import { transpose } from './transpose.ts';

/** Bytes hashed at a time. */
const HASH_PIECE = 1 << 22;

/** Tensors some checkpoints carry that no forward pass needs: causal masks and RoPE frequencies. */
const buffers = /(?:^|\.)(?:attn\.bias|attn\.masked_bias|rotary_emb\.inv_freq)$/;

/**
 * Opens a Hugging Face model folder: config.json and safetensors, one file or shards. Checks that every tensor the
 * config asks for is there with the right shape; weights are read when they are asked for.
 * @returns the model and what the user should be told about it.
 * @throws NotFoundError, FormatError or UnsupportedModelError naming file, field or tensor.
 */
export async function openHfFolder(folder: Folder): Promise<{ weights: WeightSource; warnings: string[] }> {
  const where = `${folder.name}: config.json`;
  const { config, unknownFields } = parseHfConfig(await readJson(folder, 'config.json'), where);
  const warnings: string[] = [];
  if (unknownFields.length > 0) warnings.push(`${where}: unknown fields, ignored: ${few(unknownFields)}.`);
  const checkpoint = await openCheckpoint(folder);
  try {
    const places = findTensors(folder.name, config, checkpoint);
    const used = new Set([...places.values()].map(({ storedName }) => storedName));
    const unused = [...checkpoint.tensors.keys()].filter((name) => {
      return !used.has(name) && !buffers.test(name) && !(config.tieWordEmbeddings && name === 'lm_head.weight');
    });
    if (unused.length > 0) warnings.push(`${folder.name}: tensors the config has no use for, ignored: ${few(unused)}.`);
    return { weights: new HfWeights(folder.name, config, checkpoint, places), warnings };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

interface Place extends ExpectedTensor {
  readonly stored: StoredTensor;
  readonly storedName: string;
}

function findTensors(folder: string, config: ModelConfig, { tensors }: Checkpoint): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const [name, expected] of expectedTensors(config)) {
    // A checkpoint saved from the bare model, as GPT-2's original one, lacks the first part of the name.
    const storedName = tensors.has(name) ? name : name.replace(/^(?:model|transformer)\./, '');
    const stored = tensors.get(storedName);
    if (stored === undefined) {
      throw new FormatError(`tensor ${quoted(name)} is missing.`, {
        where: folder,
        remedy:
          name === 'lm_head.weight'
            ? "If the head shares the embedding's weights, config.json must say tie_word_embeddings: true."
            : undefined,
      });
    }
    const shape = expected.transposed ? expected.shape.toReversed() : expected.shape;
    if (stored.shape.join() !== shape.join()) {
      throw new FormatError(
        `tensor ${quoted(storedName)} is [${stored.shape.join(', ')}], config.json makes it [${shape.join(', ')}].`,
        { where: stored.source.name },
      );
    }
    places.set(name, { ...expected, stored, storedName });
  }
  return places;
}

class HfWeights implements WeightSource {
  readonly name: string;
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #checkpoint: Checkpoint;
  readonly #places: ReadonlyMap<string, Place>;

  constructor(name: string, config: ModelConfig, checkpoint: Checkpoint, places: ReadonlyMap<string, Place>) {
    this.name = name;
    this.config = config;
    this.#checkpoint = checkpoint;
    this.#places = places;
    this.tensors = new Map(
      [...places].map(([canonical, { shape, stored }]) => {
        return [canonical, { shape, dtype: stored.dtype, bytes: stored.bytes }];
      }),
    );
  }

  async tensor(name: string): Promise<Float32Array> {
    const { stored, storedName, shape, transposed } = this.#find(name);
    const data = await this.#decode(stored, storedName, 0, stored.bytes);
    return transposed ? transpose(data, shape[1], shape[0]) : data;
  }

  async rows(name: string, from: number, to: number): Promise<Float32Array> {
    const { stored, storedName, shape, transposed } = this.#find(name);
    const [rows, width] = shape;
    if (width === undefined || !(from >= 0 && from <= to && to <= rows)) {
      throw new NotFoundError(`rows ${from} … ${to} of [${shape.join(', ')}] are not to be had.`, {
        where: `${this.name}: ${name}`,
      });
    }
    // The rows of a transposed matrix are spread over all of it.
    if (transposed) return (await this.tensor(name)).slice(from * width, to * width);
    const rowBytes = stored.bytes / rows;
    return this.#decode(stored, storedName, from * rowBytes, (to - from) * rowBytes);
  }

  async contentHash(hasher: Hasher): Promise<string> {
    const text = new TextEncoder();
    // By canonical name: how a model is cut into shards, and the order within, changes nothing.
    for (const [name, { stored }] of [...this.#places].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      hasher.update(text.encode(`${name} ${stored.dtype} ${stored.shape.join('x')}\n`));
      for (let done = 0; done < stored.bytes; done += HASH_PIECE) {
        hasher.update(await stored.source.read(stored.offset + done, Math.min(HASH_PIECE, stored.bytes - done)));
      }
    }
    return hasher.digest();
  }

  close(): Promise<void> {
    return this.#checkpoint.close();
  }

  async #decode(stored: StoredTensor, name: string, from: number, length: number): Promise<Float32Array> {
    const bytes = await stored.source.read(stored.offset + from, length);
    return decodeFloats(stored.dtype, bytes, `${stored.source.name}: ${name}`);
  }

  #find(name: string): Place {
    const found = this.#places.get(name);
    if (found === undefined) throw new NotFoundError(`the model has no tensor ${quoted(name)}.`, { where: this.name });
    return found;
  }
}

/** The first few of a list of names, for a warning. */
function few(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => quoted(name, 60));
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}
