/**
 * Streams that one sweep keeps for the next step's sweep. A stream that was forked before the block
 * just removed, and the unpruned one, are up to that block what they were: the walk can go on from
 * there. Streams are handles that no op changes, so a checkpoint is not a copy; it only keeps
 * handles from being freed.
 */
import type { DeviceTensor } from '../../backends/backend.ts';
import { formatBlock, walkIndex, type BlockId } from '../../model/blockId.ts';
import type { Mask } from '../../model/mask.ts';
import type { Bundle } from './bundles.ts';
import type { StreamHolders } from './streamHolders.ts';

/** The streams of a walk just before a block. */
export interface WalkState {
  /** Position of the next block: 2 · layer, + 1 for its MLP. */
  readonly position: number;
  /** The stream that only the mask has pruned. */
  readonly base: DeviceTensor;
  /** Those forked so far. */
  readonly forks: readonly Bundle[];
}

/** A state that is being put together: its forks come in portions, and the base with the last. */
interface Gathered {
  readonly position: number;
  /** Null until the walk's unpruned stream has come there. */
  base: DeviceTensor | null;
  readonly forks: Bundle[];
  /** Names the masked blocks before the position. */
  readonly removed: string;
  /** Of all its streams, also of those that are still to come. */
  readonly bytes: number;
}

/** What one portion of a walk's forks brings to a state. */
export interface PartialState {
  readonly position: number;
  /** Null where it is not there yet. */
  readonly base: DeviceTensor | null;
  readonly forks: readonly Bundle[];
}

/** What decides which states a walk leaves. */
export interface WalkSize {
  /** Places of the whole walk. */
  readonly places: number;
  /** Bytes of one stream. */
  readonly streamBytes: number;
  /** How many streams fork before a place. */
  readonly forksBefore: (place: number) => number;
}

/** The checkpoints of one group of chunks, from step to step. */
export class Checkpoints {
  readonly #holders: StreamHolders;
  readonly #budgetBytes: number;
  /** By position. */
  readonly #states = new Map<number, Gathered>();
  #bytes = 0;

  /**
   * @param holders counts who holds which stream; the sweeps that use these checkpoints count by
   * it too.
   * @param budgetBytes for the streams that are kept; 0 = keep none.
   */
  constructor(holders: StreamHolders, budgetBytes: number) {
    this.#holders = holders;
    this.#budgetBytes = budgetBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The furthest state from which a walk under `mask` that needs the forks of `candidates` can go
   * on, or null. States that this mask has made useless are dropped.
   */
  latest(mask: Mask, candidates: readonly { name: string; blocks: readonly BlockId[] }[]): WalkState | null {
    let latest: WalkState | null = null;
    for (const { position, base, forks, removed } of this.#states.values()) {
      const needed = candidates.filter(({ blocks }) => walkIndex(blocks[0]) < position);
      const forked = new Set(forks.flatMap(({ names }) => names));
      if (base === null || removed !== removedBefore(mask, position) || !needed.every(({ name }) => forked.has(name))) {
        this.#drop(position);
      } else if (latest === null || position > latest.position) {
        latest = { position, base, forks };
      }
    }
    return latest;
  }

  /**
   * Takes a portion's part of a state, if there is room for the whole state and it is one of the
   * evenly spread ones that the budget holds in all: the number of streams grows along the walk,
   * so m states take about m · places / 2 of them.
   */
  offer(mask: Mask, { position, base, forks }: PartialState, size: WalkSize): void {
    const state = this.#states.get(position) ?? this.#begin(mask, position, size);
    if (state === null || state.base !== null) return;
    if (base !== null) this.#holders.hold(base);
    for (const { stream } of forks) this.#holders.hold(stream);
    state.base = base;
    state.forks.push(...forks);
  }

  /** Lets go of everything. */
  free(): void {
    for (const position of this.#states.keys()) this.#drop(position);
  }

  /** Room for a state; null where it is not to be kept. */
  #begin(mask: Mask, position: number, { places, streamBytes, forksBefore }: WalkSize): Gathered | null {
    const count = Math.min(places, Math.floor((2 * this.#budgetBytes) / (places * streamBytes)));
    const spread = Math.floor((position * (count + 1)) / places) > Math.floor(((position - 1) * (count + 1)) / places);
    const bytes = (1 + forksBefore(position)) * streamBytes;
    if (count < 1 || !spread || this.#bytes + bytes > this.#budgetBytes) return null;
    const state = { position, base: null, forks: [], removed: removedBefore(mask, position), bytes };
    this.#states.set(position, state);
    this.#bytes += bytes;
    return state;
  }

  #drop(position: number): void {
    const state = this.#states.get(position);
    if (state === undefined) return;
    this.#states.delete(position);
    this.#bytes -= state.bytes;
    if (state.base !== null) this.#holders.release(state.base);
    for (const { stream } of state.forks) this.#holders.release(stream);
  }
}

function removedBefore(mask: Mask, position: number): string {
  const before = mask.blocks.filter((block) => walkIndex(block) < position);
  return before.map(formatBlock).toSorted().join(',');
}

/** The checkpoints of the groups of chunks that a search comes back to in every step. */
export class GroupCheckpoints {
  readonly #holders: StreamHolders;
  readonly #most: number;
  readonly #groupBytes: number;
  /** By the group's chunks, the one used last at the end. */
  readonly #groups = new Map<string, Checkpoints>();

  /**
   * @param groups that there are in a step.
   * @param budgetBytes for all of them, shared out evenly.
   */
  constructor(holders: StreamHolders, groups: number, budgetBytes: number) {
    this.#holders = holders;
    this.#most = groups;
    this.#groupBytes = budgetBytes / groups;
  }

  get bytes(): number {
    return [...this.#groups.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Those of a group. A resumed run may cut its first step's groups elsewhere, and a race cuts
   * them anew in every step: beyond as many as a step has, those not used for longest are freed.
   */
  of(chunks: readonly number[]): Checkpoints {
    const name = chunks.join(',');
    const found = this.#groups.get(name) ?? new Checkpoints(this.#holders, this.#groupBytes);
    this.#groups.delete(name);
    this.#groups.set(name, found);
    for (const [other, checkpoints] of this.#groups) {
      if (this.#groups.size <= this.#most) break;
      checkpoints.free();
      this.#groups.delete(other);
    }
    return found;
  }

  free(): void {
    for (const checkpoints of this.#groups.values()) checkpoints.free();
    this.#groups.clear();
  }
}
