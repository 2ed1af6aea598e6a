/**
 * A model that computes nothing and counts what it is asked for: streams are shapes, a block's
 * result has the shape of what went in. The sweep itself walks it, so the count holds for bundles
 * and checkpoints too, and no formula here repeats how a sweep goes.
 */
import type { DeviceTensor } from '../../backends/backend.ts';
import { formatBlock, type BlockId } from '../../model/blockId.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { HeadFigures } from '../../model/head.ts';
import { HEAD_TILE, tileName } from '../../model/weightPieces.ts';
import type { StreamBackend, StreamScope } from '../pricing/streamHolders.ts';
import type { SweepModel } from '../pricing/sweep.ts';

/** So many passes of one tall stream through a block, or through the head. */
export interface Calls {
  /** `L5.mlp`; null = the head. */
  readonly block: string | null;
  readonly rows: number;
  readonly count: number;
}

/** What walks took. */
export interface WalkWork {
  readonly calls: readonly Calls[];
  /** Pieces of weights in the order in which they were asked for, once a visit. */
  readonly pieces: readonly string[];
}

export class DryModel implements SweepModel {
  readonly config: ModelConfig;
  readonly backend: StreamBackend;
  readonly #calls = new Map<string, { block: string | null; rows: number; count: number }>();
  readonly #pieces: string[] = [];

  constructor(config: ModelConfig, stackBytes: number) {
    this.config = config;
    this.backend = { stackBytes, free() {}, scope: () => dryScope };
  }

  embed(ids: readonly Int32Array[]): Promise<DeviceTensor> {
    return Promise.resolve({ rows: ids.length * ids[0].length, cols: this.config.hiddenSize });
  }

  block(id: BlockId, x: DeviceTensor): Promise<DeviceTensor> {
    this.#count(formatBlock(id), x.rows);
    return Promise.resolve({ ...x });
  }

  headFigures(
    streams: readonly DeviceTensor[],
    targets: Int32Array,
    release: (stream: DeviceTensor) => void,
  ): Promise<HeadFigures[]> {
    for (const stream of streams) {
      release(stream);
      this.#count(null, stream.rows);
    }
    for (let first = 0; first < this.config.vocabSize; first += HEAD_TILE) this.#visit(tileName(first));
    // Views of one array: nothing reads the numbers.
    const nothing = new Float32Array(Math.max(targets.length, ...streams.map(({ rows }) => rows)));
    return Promise.resolve(streams.map(({ rows }) => ({ nll: nothing.subarray(0, rows) })));
  }

  /** What was asked for since the last time, to begin the next count from nothing. */
  take(): WalkWork {
    const work = { calls: [...this.#calls.values()], pieces: this.#pieces.splice(0) };
    this.#calls.clear();
    return work;
  }

  #count(block: string | null, rows: number): void {
    const key = `${block ?? 'head'} ${rows}`;
    const found = this.#calls.get(key) ?? { block, rows, count: 0 };
    found.count++;
    this.#calls.set(key, found);
    if (block !== null) this.#visit(block);
  }

  #visit(piece: string): void {
    if (this.#pieces.at(-1) !== piece) this.#pieces.push(piece);
  }
}

const dryScope: StreamScope = {
  stack: (parts) => ({ rows: parts.reduce((rows, part) => rows + part.rows, 0), cols: parts[0].cols }),
  view: (x, from, to) => ({ rows: to - from, cols: x.cols }),
  keep: (x) => x,
  close() {},
};
