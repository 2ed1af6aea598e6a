/**
 * The story of a forward pass, told once and run by every backend:
 *
 *   ids [B, T] → embedding → residual stream x [B·T, C] → for each block in order: x ← x + branch(norm(x)), unless it
 *   is masked → final norm → LM head fused with log-sum-exp → one negative log-likelihood a token.
 *
 * A `Transformer` holds no weights of its own. Blocks and tiles of the head are read from a WeightSource when the walk
 * reaches them and are kept, packed, as long as the memory budget allows; a model larger than memory runs all the same.
 */
import type { Backend, DeviceTensor, LinearWeight, NllState, NllSum, RopeTable } from '../backends/backend.ts';
import { DataError, MemoryBudgetError } from '../errors.ts';
import { ropeTable } from '../ops/ropeTable.ts';
import { formatBlock, type BlockId } from './blockId.ts';
import type { ModelConfig } from './config.ts';
import { turnWhenDue } from './eventLoop.ts';
import { KvCache, type AppendToCache } from './kvCache.ts';
import { freeBlock, freeNorm, loadBlock, loadNorm } from './loadBlock.ts';
import type { Mask } from './mask.ts';
import { recordOps } from './recordOps.ts';
import { applyBlock, applyNorm, blockTensorNames, weightNames } from './residualBlock.ts';
import type { NormWeights, Placement, ResidualBlock } from './residualBlock.ts';
import { modelTensorNames } from './tensorNames.ts';
import type { WeightSource } from './weights.ts';
import { walkOf } from './walk.ts';
import { WeightCache } from './weightCache.ts';

/**
 * Vocabulary rows a head tile has. A constant, never fitted to memory: the tiles are the order in which a row's
 * log-sum-exp is added up, and the same row must give the same bits under any budget.
 */
export const HEAD_TILE = 4096;

export class Transformer {
  readonly source: WeightSource;
  readonly backend: Backend;
  readonly config: ModelConfig;
  /** How the head adds up over the vocabulary; part of what a perplexity means. */
  readonly nllSum: NllSum;
  readonly #cache: WeightCache;
  readonly #finalNorm: NormWeights;
  #rope: { table: RopeTable; positions: number } | null = null;

  private constructor(
    source: WeightSource,
    backend: Backend,
    nllSum: NllSum,
    cache: WeightCache,
    finalNorm: NormWeights,
  ) {
    this.source = source;
    this.backend = backend;
    this.config = source.config;
    this.nllSum = nllSum;
    this.#cache = cache;
    this.#finalNorm = finalNorm;
  }

  /**
   * @param weightBytes budget for packed weights. The largest block or head tile must fit.
   * @throws MemoryBudgetError when it does not.
   */
  static async load(
    source: WeightSource,
    backend: Backend,
    weightBytes: number,
    nllSum: NllSum = 'f64',
  ): Promise<Transformer> {
    const largest = largestPiece(source);
    if (largest.bytes > weightBytes) {
      throw new MemoryBudgetError(
        `${largest.name} alone takes ${Math.ceil(largest.bytes / 2 ** 20)} MiB, the budget for weights is ${Math.floor(weightBytes / 2 ** 20)} MiB.`,
        { remedy: 'Raise --memory.' },
      );
    }
    const finalNorm = await loadNorm(source, backend, modelTensorNames(source.config).finalNorm);
    return new Transformer(source, backend, nllSum, new WeightCache(weightBytes), finalNorm);
  }

  /**
   * Negative log-likelihoods of sequences under a mask: the whole story. `ids` [B][T] of equal length T; entry t of a
   * sequence's result is the NLL in nats of token t + 1 given tokens 0 … t, so there are T − 1.
   */
  async nll(ids: readonly Int32Array[], mask: Mask): Promise<Float32Array[]> {
    const seqLen = ids[0].length;
    const x = await this.#walk(await this.embed(ids), mask, seqLen);
    const [rows] = await this.headNll([x], nextTokens(ids));
    return ids.map((_, sequence) => rows.subarray(sequence * seqLen, (sequence + 1) * seqLen - 1));
  }

  /**
   * Token and position embedding: ids [B][T] → a residual stream [B·T, C] that lives until freed.
   * @throws DataError for an id outside the vocabulary or positions beyond a learned table.
   */
  async embed(ids: readonly Int32Array[], start = 0): Promise<DeviceTensor> {
    const { hiddenSize, vocabSize, maxPositionEmbeddings } = this.config;
    const names = modelTensorNames(this.config);
    const x = new Float32Array(ids.length * ids[0].length * hiddenSize);
    const seen = new Map<number, Float32Array>();
    let at = 0;
    for (const sequence of ids) {
      for (const id of sequence) {
        if (!(id >= 0 && id < vocabSize)) {
          throw new DataError(`token id ${id} is outside the vocabulary of ${vocabSize}.`, {
            remedy: "Use ids of this model's own tokenizer.",
          });
        }
        const row = seen.get(id) ?? (await this.source.rows(names.embedding, id, id + 1));
        seen.set(id, row);
        x.set(row, at);
        at += hiddenSize;
      }
    }
    if (names.positions !== null) {
      const end = start + ids[0].length;
      if (end > maxPositionEmbeddings) {
        throw new DataError(`position ${end - 1} is beyond the model's ${maxPositionEmbeddings} learned positions.`, {
          remedy: 'Use a shorter chunk or prompt.',
        });
      }
      const positions = await this.source.rows(names.positions, start, end);
      for (let i = 0; i < x.length; i++) x[i] += positions[i % positions.length];
    }
    // Through a scope, so that a stream lies among streams and not among the weights, which stay.
    const scope = this.backend.scope();
    try {
      return scope.keep(scope.upload(x, x.length / hiddenSize, hiddenSize));
    } finally {
      scope.close();
    }
  }

  /** The blocks that `mask` leaves, on a stream x [n·seqLen, C]: a new stream. Frees x, also where a block fails. */
  async #walk(x: DeviceTensor, mask: Mask, seqLen: number, cache: KvCache | null = null): Promise<DeviceTensor> {
    let stream = x;
    try {
      for (const block of walkOf(this.config, mask)) {
        const next = await this.block(block, stream, seqLen, cache);
        this.backend.free(stream);
        stream = next;
      }
    } catch (error) {
      this.backend.free(stream);
      throw error;
    }
    return stream;
  }

  /**
   * One residual block on a stream x [n·seqLen, C]: a new stream, which lives until freed; x stays as it was.
   * With a cache, x is the continuation of one sequence and its keys and values are appended.
   */
  async block(id: BlockId, x: DeviceTensor, seqLen: number, cache: KvCache | null = null): Promise<DeviceTensor> {
    await turnWhenDue();
    const start = cache?.length ?? 0;
    // Before the block's weights: what stays for good must not lie below what will be dropped.
    const rope = this.#ropeTable(start + seqLen);
    const block = await this.#loadBlock(id);
    const slot = cache === null || id.kind === 'mlp' ? null : cache.slot(id.layer);
    const scope = this.backend.scope();
    try {
      const append: AppendToCache | null = slot && ((k, v) => slot.append(scope, start, k, v));
      const at: Placement = { seqLen, start, rope, cache: append };
      return scope.keep(applyBlock(scope, this.config, block, x, at));
    } finally {
      scope.close();
    }
  }

  /**
   * The first op of a block on x whose result is not finite, the tensor it was called with, if any,
   * and the row of x. For messages: every op's result is downloaded.
   */
  async firstNonFiniteOp(
    id: BlockId,
    x: DeviceTensor,
    seqLen: number,
  ): Promise<{ op: string; tensor: string | null; row: number }> {
    const rope = this.#ropeTable(seqLen);
    const block = await this.#loadBlock(id);
    const { scope, ops } = recordOps(this.backend.scope());
    try {
      applyBlock(scope, this.config, block, x, { seqLen, start: 0, rope, cache: null });
      const names = weightNames(this.config, block);
      for (const { op, result, inputs } of ops) {
        const values = await this.backend.download(result);
        const at = values.findIndex((value) => !Number.isFinite(value));
        if (at < 0) continue;
        const tensor = inputs.map((input) => names.get(input)).find((name) => name !== undefined) ?? null;
        return { op, tensor, row: Math.floor((at * x.rows) / values.length) };
      }
      return { op: 'no op alone', tensor: null, row: 0 };
    } finally {
      scope.close();
    }
  }

  /**
   * Final norm and LM head on finished streams: each row's NLL. `targets` [R] (−1 = none) are those of a stream [R, C];
   * a stream [n·R, C], n of them stacked, has them n times. The head is taken tile by tile, each tile once for all streams;
   * logits are never stored. Frees the streams, or lets go of them in the way of `release`, also where it fails.
   */
  async headNll(
    streams: readonly DeviceTensor[],
    targets: Int32Array,
    release: (stream: DeviceTensor) => void = (stream) => this.backend.free(stream),
  ): Promise<Float32Array[]> {
    const normed: DeviceTensor[] = [];
    const states: NllState[] = [];
    try {
      for (const x of streams) {
        normed.push(this.#normFinal(x));
        release(x);
      }
      const repeated = normed.map(({ rows }) => repeat(targets, rows / targets.length));
      for (let first = 0; first < this.config.vocabSize; first += HEAD_TILE) {
        for (const [index, x] of normed.entries()) {
          await turnWhenDue();
          // Taken anew after every turn, in which others may have used the model.
          const tile = await this.#loadHeadTile(first);
          const state = states.at(index) ?? null;
          states[index] = this.backend.nllTile(x, tile, first, repeated[index], state, this.nllSum);
        }
      }
    } catch (error) {
      for (const x of streams.slice(normed.length)) release(x);
      // A state is only given back by finishing it.
      await Promise.allSettled(states.map(async (state) => this.backend.finishNll(state)));
      throw error;
    } finally {
      for (const x of normed) this.backend.free(x);
    }
    return Promise.all(states.map((state) => this.backend.finishNll(state)));
  }

  /** Logits [R, V] of a stream's rows, for sampling and inspection; measuring perplexity never makes them. Frees x. */
  async logits(x: DeviceTensor): Promise<Float32Array> {
    const { vocabSize } = this.config;
    const scope = this.backend.scope();
    try {
      const normed = applyNorm(scope, this.config, this.#finalNorm, x);
      const logits = new Float32Array(normed.rows * vocabSize);
      for (let first = 0; first < vocabSize; first += HEAD_TILE) {
        await turnWhenDue();
        const tile = await this.#loadHeadTile(first);
        const part = await this.#logitsOfTile(normed, tile);
        for (let row = 0; row < normed.rows; row++) {
          const from = row * tile.outFeatures;
          logits.set(part.subarray(from, from + tile.outFeatures), row * vocabSize + first);
        }
      }
      return logits;
    } finally {
      scope.close();
      this.backend.free(x);
    }
  }

  /** Runs new tokens of one sequence through the unmasked blocks, appending to `cache`; logits [V] after the last. */
  async continueSequence(ids: Int32Array, mask: Mask, cache: KvCache): Promise<Float32Array> {
    const x = await this.#walk(await this.embed([ids], cache.length), mask, ids.length, cache);
    cache.length += ids.length;
    const last = await this.#lastRow(x);
    return this.logits(this.backend.store(last, 1, last.length));
  }

  /** A KV cache for one sequence of up to `capacity` positions under `mask`. */
  kvCache(mask: Mask, capacity: number): KvCache {
    return new KvCache(this.backend, this.config, mask, capacity);
  }

  /** Frees everything held on the backend. */
  free(): void {
    this.#cache.clear();
    freeNorm(this.backend, this.#finalNorm);
    if (this.#rope !== null) this.#freeRope(this.#rope.table);
    this.#rope = null;
  }

  /** On the host; frees x. */
  async #lastRow(x: DeviceTensor): Promise<Float32Array> {
    const scope = this.backend.scope();
    try {
      return await this.backend.download(scope.view(x, x.rows - 1, x.rows));
    } finally {
      scope.close();
      this.backend.free(x);
    }
  }

  async #logitsOfTile(normed: DeviceTensor, tile: LinearWeight): Promise<Float32Array> {
    const scope = this.backend.scope();
    try {
      return await this.backend.download(scope.linear(normed, tile));
    } finally {
      scope.close();
    }
  }

  #normFinal(x: DeviceTensor): DeviceTensor {
    const scope = this.backend.scope();
    try {
      return scope.keep(applyNorm(scope, this.config, this.#finalNorm, x));
    } finally {
      scope.close();
    }
  }

  #loadBlock(id: BlockId): Promise<ResidualBlock> {
    return this.#cache.use(
      formatBlock(id),
      packedBytes(this.source, blockTensorNames(this.config, id)),
      () => loadBlock(this.source, this.backend, id),
      (block) => freeBlock(this.backend, block),
    );
  }

  #loadHeadTile(first: number): Promise<LinearWeight> {
    const { vocabSize, hiddenSize } = this.config;
    const rows = Math.min(HEAD_TILE, vocabSize - first);
    const name = modelTensorNames(this.config).head;
    return this.#cache.use(
      `head ${first}`,
      rows * hiddenSize * 4,
      async () => {
        const weight = await this.source.rows(name, first, first + rows);
        return this.backend.packLinear(weight, rows, hiddenSize, null);
      },
      (tile) => this.backend.freeLinear(tile),
    );
  }

  /** cos and sin for at least `positions` positions; grows by doubling. Null where positions are learned. */
  #ropeTable(positions: number): RopeTable | null {
    const { rope, headDim } = this.config;
    if (rope === null) return null;
    if (this.#rope !== null && this.#rope.positions >= positions) return this.#rope.table;
    const length = Math.max(positions, 2 * (this.#rope?.positions ?? 0));
    if (this.#rope !== null) this.#freeRope(this.#rope.table);
    this.#rope = null;
    const angles = ropeTable(rope, headDim, length);
    const cos = this.backend.store(angles.cos, length, headDim / 2);
    try {
      const table = { cos, sin: this.backend.store(angles.sin, length, headDim / 2) };
      this.#rope = { table, positions: length };
      return table;
    } catch (error) {
      this.backend.free(cos);
      throw error;
    }
  }

  #freeRope(table: RopeTable): void {
    this.backend.free(table.cos);
    this.backend.free(table.sin);
  }
}

/** Each row's next token in its own sequence; −1 for the last of each. */
export function nextTokens(ids: readonly Int32Array[]): Int32Array {
  const seqLen = ids[0].length;
  const targets = new Int32Array(ids.length * seqLen).fill(-1);
  for (const [sequence, tokens] of ids.entries()) targets.set(tokens.subarray(1), sequence * seqLen);
  return targets;
}

function repeat(values: Int32Array, times: number): Int32Array {
  if (times === 1) return values;
  const out = new Int32Array(times * values.length);
  for (let at = 0; at < out.length; at += values.length) out.set(values, at);
  return out;
}

/** Bytes of tensors once packed as f32. */
function packedBytes(source: WeightSource, names: readonly string[]): number {
  return names.reduce((bytes, name) => {
    return bytes + 4 * (source.tensors.get(name)?.shape ?? [0]).reduce((product, size) => product * size, 1);
  }, 0);
}

function largestPiece(source: WeightSource): { name: string; bytes: number } {
  const { config } = source;
  const pieces = walkOf(config).map((id) => {
    return { name: formatBlock(id), bytes: packedBytes(source, blockTensorNames(config, id)) };
  });
  pieces.push({ name: 'a tile of the LM head', bytes: Math.min(HEAD_TILE, config.vocabSize) * config.hiddenSize * 4 });
  return pieces.reduce((largest, piece) => (piece.bytes > largest.bytes ? piece : largest));
}
