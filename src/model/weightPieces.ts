/**
 * What the walk of a model needs on its backend, read when it is asked for: blocks, tiles of the LM
 * head, the final norm, and the table of rotary angles. Blocks and tiles are kept, packed, as long
 * as the budget allows, so a model larger than memory runs all the same.
 */
import type { Backend, LinearWeight, RopeTable } from '../backends/backend.ts';
import { MemoryBudgetError } from '../errors.ts';
import { ropeTable } from '../ops/ropeTable.ts';
import { formatBlock, type BlockId } from './blockId.ts';
import { blockTensorNames } from './blockTensors.ts';
import type { ModelConfig } from './config.ts';
import { freeBlock, freeNorm, loadBlock, loadNorm } from './loadBlock.ts';
import type { NormWeights, ResidualBlock } from './residualBlock.ts';
import { modelTensorNames } from './tensorNames.ts';
import { walkOf } from './walk.ts';
import { WeightCache } from './weightCache.ts';
import { elementsOf, type WeightSource } from './weights.ts';

/**
 * Vocabulary rows of a head tile. A constant, never fitted to memory: a row's log-sum-exp is added
 * up tile by tile, and the same row must give the same bits under any budget.
 */
export const HEAD_TILE = 4096;

export class WeightPieces {
  readonly source: WeightSource;
  readonly backend: Backend;
  readonly config: ModelConfig;
  readonly finalNorm: NormWeights;
  /** Whether all of them are held at once, and each is read but once. */
  readonly fit: boolean;
  readonly #cache: WeightCache;
  #rope: { table: RopeTable; positions: number } | null = null;

  private constructor(source: WeightSource, backend: Backend, finalNorm: NormWeights, budgetBytes: number) {
    this.source = source;
    this.backend = backend;
    this.config = source.config;
    this.finalNorm = finalNorm;
    this.fit = piecesOf(source).reduce((sum, { bytes }) => sum + bytes, 0) <= budgetBytes;
    this.#cache = new WeightCache(budgetBytes);
  }

  /**
   * @param budgetBytes for packed weights. The largest block or head tile must fit.
   * @throws MemoryBudgetError when it does not.
   */
  static async open(source: WeightSource, backend: Backend, budgetBytes: number): Promise<WeightPieces> {
    const largest = largestPiece(source);
    if (largest.bytes > budgetBytes) {
      throw new MemoryBudgetError(
        `${largest.name} alone takes ${Math.ceil(largest.bytes / 2 ** 20)} MiB, the budget for weights is ${Math.floor(budgetBytes / 2 ** 20)} MiB.`,
        { remedy: 'Raise --memory.' },
      );
    }
    const finalNorm = await loadNorm(source, backend, modelTensorNames(source.config).finalNorm);
    return new WeightPieces(source, backend, finalNorm, budgetBytes);
  }

  /** A block's weights. They may be dropped when the next piece is asked for. */
  block(id: BlockId): Promise<ResidualBlock> {
    return this.#cache.use(
      formatBlock(id),
      packedBytes(this.source, blockTensorNames(this.config, id)),
      () => loadBlock(this.source, this.backend, id),
      (block) => freeBlock(this.backend, block),
    );
  }

  /** Rows `first` … `first` + HEAD_TILE − 1 of the LM head; the last tile is shorter. */
  headTile(first: number): Promise<LinearWeight> {
    const { vocabSize, hiddenSize } = this.config;
    const rows = Math.min(HEAD_TILE, vocabSize - first);
    const name = modelTensorNames(this.config).head;
    return this.#cache.use(
      tileName(first),
      tileBytes(this.config, first),
      async () => {
        const weight = await this.source.rows(name, first, first + rows);
        return this.backend.packLinear(weight, rows, hiddenSize, null);
      },
      (tile) => this.backend.freeLinear(tile),
    );
  }

  /**
   * cos and sin for at least `positions` positions; grows by doubling. Null where positions are
   * learned. To be asked for before a block: what stays must not lie below what will be dropped.
   */
  rope(positions: number): RopeTable | null {
    const { rope, headDim } = this.config;
    if (rope === null) return null;
    if (this.#rope !== null && this.#rope.positions >= positions) return this.#rope.table;
    const length = Math.max(positions, 2 * (this.#rope?.positions ?? 0));
    this.#freeRope();
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

  /** Frees everything held on the backend. */
  free(): void {
    this.#cache.clear();
    freeNorm(this.backend, this.finalNorm);
    this.#freeRope();
  }

  #freeRope(): void {
    if (this.#rope === null) return;
    this.backend.free(this.#rope.table.cos);
    this.backend.free(this.#rope.table.sin);
    this.#rope = null;
  }
}

/** Bytes of tensors once packed as f32. */
function packedBytes(source: WeightSource, names: readonly string[]): number {
  return names.reduce((bytes, name) => bytes + 4 * elementsOf(source, name), 0);
}

/** Every piece that a walk asks for, blocks and then tiles, with its bytes once packed. */
export function pieceSizes(source: WeightSource): Map<string, number> {
  const { config } = source;
  const sizes = new Map<string, number>();
  for (const id of walkOf(config)) sizes.set(formatBlock(id), packedBytes(source, blockTensorNames(config, id)));
  for (let first = 0; first < config.vocabSize; first += HEAD_TILE)
    sizes.set(tileName(first), tileBytes(config, first));
  return sizes;
}

/** The tile of the LM head that begins with row `first`, as a piece. */
export function tileName(first: number): string {
  return `head ${first}`;
}

function tileBytes({ vocabSize, hiddenSize }: ModelConfig, first: number): number {
  return Math.min(HEAD_TILE, vocabSize - first) * hiddenSize * 4;
}

/** What must be in memory at once, at the least: the largest block, or a tile of the head. */
export function largestPiece(source: WeightSource): { name: string; bytes: number } {
  return piecesOf(source).reduce((largest, piece) => (piece.bytes > largest.bytes ? piece : largest));
}

/** All blocks, and the tiles of the head. */
function piecesOf(source: WeightSource): { name: string; bytes: number }[] {
  const { config } = source;
  const { vocabSize, hiddenSize } = config;
  const pieces = walkOf(config).map((id) => {
    return { name: formatBlock(id), bytes: packedBytes(source, blockTensorNames(config, id)) };
  });
  for (let first = 0; first < vocabSize; first += HEAD_TILE) {
    const rows = Math.min(HEAD_TILE, vocabSize - first);
    pieces.push({ name: 'a tile of the LM head', bytes: rows * hiddenSize * 4 });
  }
  return pieces;
}
