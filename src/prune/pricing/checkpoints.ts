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

/** The checkpoints of one group of chunks, from step to step. */
export class Checkpoints {
  readonly #holders: StreamHolders;
  readonly #budgetBytes: number;
  /** By position; `removed` names the masked blocks before it. */
  readonly #states = new Map<number, WalkState & { readonly removed: string; readonly bytes: number }>();
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
    for (const state of this.#states.values()) {
      const needed = candidates.filter(({ blocks }) => walkIndex(blocks[0]) < state.position);
      const forked = new Set(state.forks.flatMap(({ names }) => names));
      if (state.removed !== removedBefore(mask, state.position) || !needed.every(({ name }) => forked.has(name))) {
        this.#drop(state.position);
      } else if (latest === null || state.position > latest.position) {
        latest = state;
      }
    }
    return latest;
  }

  /**
   * Keeps a state of a walk over `length` blocks if there is room for it and it is one of the
   * evenly spread ones that the budget holds in all: the number of streams grows along the walk,
   * so m states take about m · length / 2 of them.
   */
  offer(mask: Mask, state: WalkState, length: number): void {
    const streamBytes = state.base.rows * state.base.cols * 4;
    const count = Math.min(length, Math.floor((2 * this.#budgetBytes) / (length * streamBytes)));
    const spread =
      Math.floor((state.position * (count + 1)) / length) > Math.floor(((state.position - 1) * (count + 1)) / length);
    const bytes = state.forks.reduce((sum, { names }) => sum + names.length, 1) * streamBytes;
    if (count < 1 || !spread || this.#states.has(state.position) || this.#bytes + bytes > this.#budgetBytes) return;
    this.#holders.hold(state.base);
    for (const { stream } of state.forks) this.#holders.hold(stream);
    const { position, base, forks } = state;
    const removed = removedBefore(mask, position);
    this.#states.set(position, { position, base, forks: [...forks], removed, bytes });
    this.#bytes += bytes;
  }

  /** Lets go of everything. */
  free(): void {
    for (const position of this.#states.keys()) this.#drop(position);
  }

  #drop(position: number): void {
    const state = this.#states.get(position);
    if (state === undefined) return;
    this.#states.delete(position);
    this.#bytes -= state.bytes;
    this.#holders.release(state.base);
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
