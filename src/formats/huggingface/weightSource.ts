import { FormatError, NotFoundError, type BlockprunerError } from '../../errors.ts';
import type { ModelConfig } from '../../model/config.ts';
import { modelTensorNames } from '../../model/tensorNames.ts';
import type { StoredTensor as StoredBytes, TensorInfo, WeightSource } from '../../model/weights.ts';
import { readPieces } from '../../platform/byteSource.ts';
import type { Folder } from '../../platform/folder.ts';
import type { Hasher } from '../../platform/sha256.ts';
import { readJson } from '../jsonFile.ts';
import { fewQuoted, quoted } from '../quoted.ts';
import { INDEX_FILE, openCheckpoint, type Checkpoint } from '../safetensors/checkpoint.ts';
import { decodeFloats } from '../safetensors/dtypes.ts';
import { parseHfConfig } from './config.ts';
import { bareName, storedNames, type NamedTensor } from './storedNames.ts';
import { expectedTensors, type ExpectedTensor } from './tensorShapes.ts';
import { headRepeatsEmbedding } from './tiedHead.ts';
import { transpose } from './transpose.ts';

/** Bytes hashed at a time. */
const HASH_PIECE = 1 << 22;

const HEAD = 'lm_head.weight';

/** Tensors some checkpoints carry that no forward pass needs: causal masks and RoPE frequencies. */
const buffers = /(?:^|\.)(?:attn\.bias|attn\.masked_bias|rotary_emb\.inv_freq)$/;

/**
 * Opens a Hugging Face model folder: config.json and safetensors, one file or shards. Checks that
 * every tensor the config asks for is there with the right shape; weights are read when they are
 * asked for. Of a model with a tied head that stores one all the same, head and embedding are
 * compared.
 * @returns the model and what the user should be told about it.
 * @throws NotFoundError, FormatError or UnsupportedModelError naming file, field or tensor.
 */
export async function openHfFolder(folder: Folder): Promise<{ weights: WeightSource; warnings: string[] }> {
  const where = `${folder.name}: config.json`;
  const parsed = parseHfConfig(await readJson(folder, 'config.json'), where);
  const warnings: string[] = [];
  if (parsed.unknownFields.length > 0) {
    warnings.push(`${where}: unknown fields, ignored: ${fewQuoted(parsed.unknownFields, 5)}.`);
  }
  if (parsed.idsOutside.length > 0) {
    const outside = parsed.idsOutside.join(', ');
    warnings.push(`${where}: outside the vocabulary of ${parsed.config.vocabSize} tokens, ignored: ${outside}.`);
  }
  const checkpoint = await openCheckpoint(folder);
  try {
    const { tensors, leftOut } = storedNames(checkpoint.tensors, parsed.config, folder.name);
    if (leftOut.length > 0) {
      warnings.push(
        `${folder.name}: parts of tensor names that do not belong to the model, left out: ${fewQuoted(leftOut, 5)}.`,
      );
    }
    const ownHead = parsed.config.tieWordEmbeddings && (await storesOwnHead(parsed.config, tensors));
    if (ownHead) {
      warnings.push(
        `${where}: says tie_word_embeddings, but the stored ${HEAD} is not the embedding; the stored head is used.`,
      );
    }
    const config = ownHead ? { ...parsed.config, tieWordEmbeddings: false } : parsed.config;
    const places = findTensors(folder.name, config, tensors, checkpoint);
    warnings.push(...surplus(folder.name, checkpoint, tensors, places));
    return { weights: new HfWeights(folder.name, config, checkpoint, places), warnings };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

interface Place extends ExpectedTensor {
  readonly stored: NamedTensor;
}

/** Whether a model whose head should be the embedding has another one. */
async function storesOwnHead(config: ModelConfig, tensors: ReadonlyMap<string, NamedTensor>): Promise<boolean> {
  const { embedding } = modelTensorNames(config);
  const [head, stored] = [tensors.get(HEAD), tensors.get(embedding) ?? tensors.get(bareName(embedding))];
  return head !== undefined && stored !== undefined && !(await headRepeatsEmbedding(head, stored));
}

function findTensors(
  folder: string,
  config: ModelConfig,
  tensors: ReadonlyMap<string, NamedTensor>,
  { absent }: Checkpoint,
): Map<string, Place> {
  const places = new Map<string, Place>();
  const { embedding } = modelTensorNames(config);
  for (const [name, expected] of expectedTensors(config)) {
    // Of a tied pair either may be the one that was saved.
    const shared = config.tieWordEmbeddings && name === embedding ? tensors.get(HEAD) : undefined;
    const stored = tensors.get(name) ?? tensors.get(bareName(name)) ?? shared;
    if (stored === undefined) throw missingTensor(folder, name, absent);
    const shape = expected.transposed ? expected.shape.toReversed() : expected.shape;
    if (stored.shape.join() !== shape.join()) {
      throw new FormatError(
        `tensor ${quoted(stored.storedName)} is [${stored.shape.join(', ')}], config.json makes it [${shape.join(', ')}].`,
        { where: stored.source.name },
      );
    }
    places.set(name, { ...expected, stored });
  }
  return places;
}

/** Why a tensor that the config asks for is not there. */
function missingTensor(folder: string, name: string, absent: Checkpoint['absent']): BlockprunerError {
  const promised = [...absent].find(([listed]) => listed === name || listed.endsWith(`.${bareName(name)}`));
  if (promised !== undefined) {
    const [listed, { shard, shardIsThere }] = promised;
    const remedy = 'Download the model again.';
    if (shardIsThere) {
      const where = `${folder}: ${shard}`;
      return new FormatError(`tensor ${quoted(listed)} is not there, although ${INDEX_FILE} says so.`, {
        where,
        remedy,
      });
    }
    return new NotFoundError(`shard ${quoted(shard)} is missing; ${INDEX_FILE} names it.`, { where: folder, remedy });
  }
  const tie = "If the head shares the embedding's weights, config.json must say tie_word_embeddings: true.";
  return new FormatError(`tensor ${quoted(name)} is missing.`, {
    where: folder,
    remedy: name === HEAD ? tie : undefined,
  });
}

/** Warnings about tensors that are there, or should be, and that the model does without. */
function surplus(
  folder: string,
  { absent }: Checkpoint,
  tensors: ReadonlyMap<string, NamedTensor>,
  places: ReadonlyMap<string, Place>,
): string[] {
  const warnings: string[] = [];
  const used = new Set([...places.values()].map(({ stored }) => stored.storedName));
  const tied = !places.has(HEAD);
  const unused = [...tensors]
    .filter(([name, { storedName }]) => !used.has(storedName) && !buffers.test(name) && !(tied && name === HEAD))
    .map(([, { storedName }]) => storedName);
  if (unused.length > 0)
    warnings.push(`${folder}: tensors the config has no use for, ignored: ${fewQuoted(unused, 5)}.`);
  if (absent.size > 0) {
    warnings.push(
      `${folder}: ${INDEX_FILE} names tensors that are not there; the model does not need them: ${fewQuoted([...absent.keys()], 5)}.`,
    );
  }
  return warnings;
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
    const { stored, shape, transposed } = this.#find(name);
    const data = await this.#decode(stored, 0, stored.bytes);
    return transposed ? transpose(data, shape[1], shape[0]) : data;
  }

  async rows(name: string, from: number, to: number): Promise<Float32Array> {
    const { stored, shape, transposed } = this.#find(name);
    const [rows, width] = shape;
    if (width === undefined || !(from >= 0 && from <= to && to <= rows)) {
      throw new NotFoundError(`there are no rows ${from} … ${to}: its shape is [${shape.join(', ')}].`, {
        where: `${this.name}: ${name}`,
      });
    }
    // The rows of a transposed matrix are spread over all of it.
    if (transposed) return (await this.tensor(name)).slice(from * width, to * width);
    const rowBytes = stored.bytes / rows;
    return this.#decode(stored, from * rowBytes, (to - from) * rowBytes);
  }

  stored(name: string): StoredBytes | null {
    const { stored, transposed } = this.#find(name);
    const { dtype, bytes, offset, source } = stored;
    if (transposed) return null;
    return { dtype, bytes, interleavedHeads: 0, pieces: () => readPieces(source, offset, bytes) };
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

  assertUnchanged(): Promise<void> {
    return this.#checkpoint.assertUnchanged();
  }

  close(): Promise<void> {
    return this.#checkpoint.close();
  }

  async #decode(stored: NamedTensor, from: number, length: number): Promise<Float32Array> {
    const bytes = await stored.source.read(stored.offset + from, length);
    return decodeFloats(stored.dtype, bytes, `${stored.source.name}: ${stored.storedName}`);
  }

  #find(name: string): Place {
    const found = this.#places.get(name);
    if (found === undefined) throw new NotFoundError(`the model has no tensor ${quoted(name)}.`, { where: this.name });
    return found;
  }
}
