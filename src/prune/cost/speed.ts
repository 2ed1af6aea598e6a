/** Seconds for counted work, from what a few calls of each kind took on this backend. */
import type { ModelConfig } from '../../model/config.ts';
import { parseBlock } from '../../model/blockId.ts';
import { WeightCache } from '../../model/weightCache.ts';
import type { GroupWork } from './dryPricer.ts';
import { blockFlops, headFlops } from './flops.ts';

/** A call that was timed: its floating-point operations, and seconds. */
export interface Timed {
  readonly flops: number;
  readonly seconds: number;
}

/** What one kind of piece takes. */
export interface PieceSpeed {
  /** By rising operations, at least one. */
  readonly calls: readonly Timed[];
  /** Seconds to read, dequantise and pack a byte of packed weights. */
  readonly loadSecondsPerByte: number;
}

/** Measured on one backend with one model. */
export interface Speed {
  /** Null where the model has no such block. */
  readonly mha: PieceSpeed | null;
  readonly mlp: PieceSpeed | null;
  /** Calls are over the whole vocabulary. */
  readonly head: PieceSpeed;
  /** What the measurement itself took. */
  readonly seconds: number;
}

/** Seconds of a call with so many operations: linear between timed ones, proportional beyond. */
export function secondsFor(calls: readonly Timed[], flops: number): number {
  const above = calls.findIndex((timed) => timed.flops >= flops);
  const last = calls[calls.length - 1];
  if (above === -1) return (flops / last.flops) * last.seconds;
  const upper = calls[above];
  // No call is faster than the smallest one that was timed.
  if (above === 0) return upper.seconds;
  const lower = calls[above - 1];
  return lower.seconds + ((flops - lower.flops) / (upper.flops - lower.flops)) * (upper.seconds - lower.seconds);
}

/** Work of groups in operations and seconds. */
export interface Priced {
  readonly flops: number;
  /** Of computing. */
  readonly seconds: number;
  /** Of loading weights. */
  readonly loadSeconds: number;
}

/** Prices a run's work in the order in which it is done: what is loaded once need not be again. */
export class Pricing {
  readonly #config: ModelConfig;
  readonly #chunk: number;
  readonly #speed: Speed;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #cache: WeightCache;
  /** Operations of a block on a chunk. */
  readonly #flops = new Map<string, number>();

  /**
   * @param sizes bytes of each piece of weights (`pieceSizes`).
   * @param weightBytes budget for packed weights, as the session's plan gives it.
   */
  constructor(
    config: ModelConfig,
    chunk: number,
    speed: Speed,
    { sizes, weightBytes }: { readonly sizes: ReadonlyMap<string, number>; readonly weightBytes: number },
  ) {
    this.#config = config;
    this.#chunk = chunk;
    this.#speed = speed;
    this.#sizes = sizes;
    this.#cache = new WeightCache(weightBytes);
  }

  async price(groups: readonly GroupWork[]): Promise<Priced> {
    let [flops, seconds, loadSeconds] = [0, 0, 0];
    for (const { calls, pieces, times } of groups) {
      for (const { block, rows, count } of calls) {
        const operations = this.#flopsOf(block, rows);
        flops += times * count * operations;
        seconds += times * count * secondsFor(this.#pieceSpeed(block).calls, operations);
      }
      for (let time = 0; time < times; time++) loadSeconds += await this.#load(pieces);
    }
    return { flops, seconds, loadSeconds };
  }

  /** Seconds of one token's way through the whole model, as in generation. */
  tokenSeconds(walk: readonly string[]): number {
    return [...walk, null].reduce((sum, block) => {
      return sum + secondsFor(this.#pieceSpeed(block).calls, this.#flopsOf(block, 1));
    }, 0);
  }

  async #load(pieces: readonly string[]): Promise<number> {
    let seconds = 0;
    for (const piece of pieces) {
      const bytes = this.#sizes.get(piece) ?? 0;
      const load = (): Promise<null> => {
        seconds += bytes * this.#pieceSpeed(piece.startsWith('head') ? null : piece).loadSecondsPerByte;
        return Promise.resolve(null);
      };
      await this.#cache.use(piece, bytes, load, () => {});
    }
    return seconds;
  }

  #flopsOf(block: string | null, rows: number): number {
    if (block === null) return headFlops(this.#config, rows);
    let ofChunk = this.#flops.get(block);
    if (ofChunk === undefined) {
      ofChunk = blockFlops(this.#config, parseBlock(block, this.#config.layers.length), this.#chunk);
      this.#flops.set(block, ofChunk);
    }
    return (ofChunk * rows) / this.#chunk;
  }

  #pieceSpeed(block: string | null): PieceSpeed {
    if (block === null) return this.#speed.head;
    return (block.endsWith('mha') ? this.#speed.mha : this.#speed.mlp) ?? this.#speed.head;
  }
}
