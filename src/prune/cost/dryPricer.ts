/** Jobs of a search, walked by the sweep itself on a model that computes nothing. */
import type { Backend } from '../../backends/backend.ts';
import type { ModelConfig } from '../../model/config.ts';
import type { Mask } from '../../model/mask.ts';
import type { Candidate } from '../candidates.ts';
import { GroupCheckpoints } from '../pricing/checkpoints.ts';
import { planBundle, planGroup, planPortion } from '../pricing/plan.ts';
import { StreamHolders } from '../pricing/streamHolders.ts';
import { sweep } from '../pricing/sweep.ts';
import { DryModel, type WalkWork } from './dryModel.ts';
import type { Protected } from '../protect.ts';

/** What a search's work depends on, beside what is removed. */
export interface SearchShape {
  readonly config: ModelConfig;
  readonly backend: Pick<Backend, 'stackBytes' | 'nllRowBytes'>;
  /** Tokens of a chunk, and how many chunks there are. */
  readonly chunk: number;
  readonly chunks: number;
  /** Budgets as the session's plan gives them: for residual streams, and for those kept. */
  readonly activationBytes: number;
  readonly checkpointBytes: number;
  /** Blocks that are never candidates. */
  readonly kept?: Protected;
}

/** What one sweep over a group of chunks takes. */
export interface GroupWork extends WalkWork {
  /** Chunks of the group. */
  readonly chunks: number;
  /** Block passes, each times its chunks. */
  readonly chunkPasses: number;
  /** Groups of the step that take the same. */
  readonly times: number;
  /** Bytes of streams that the group keeps for the next step. */
  readonly keptBytes: number;
}

export class DryPricer {
  readonly groupSize: number;
  readonly #shape: SearchShape;
  readonly #model: DryModel;
  readonly #holders: StreamHolders;
  readonly #kept: GroupCheckpoints;
  readonly #ids: Int32Array;

  /**
   * @param streams candidates that a job has at most, for which memory is planned.
   * @throws MemoryBudgetError when the budget does not hold one chunk's streams.
   */
  constructor(shape: SearchShape, streams: number, checkpointBytes: number) {
    const { config, backend, chunk, chunks, activationBytes } = shape;
    this.#shape = shape;
    this.groupSize = planGroup({ config, backend }, chunk, streams, activationBytes);
    this.#model = new DryModel(config, backend.stackBytes);
    this.#holders = new StreamHolders(this.#model.backend);
    this.#kept = new GroupCheckpoints(this.#holders, Math.ceil(chunks / this.groupSize), checkpointBytes);
    this.#ids = new Int32Array(chunk);
  }

  /** @param group indices of the chunks. */
  async price(mask: Mask, candidates: readonly Candidate[], group: readonly number[]): Promise<GroupWork> {
    const { chunk } = this.#shape;
    const ids = group.map(() => this.#ids);
    const bundle = planBundle(this.#shape, chunk, candidates.length, this.groupSize, group.length);
    const walk = sweep(this.#model, ids, mask, candidates, {
      holders: this.#holders,
      checkpoints: this.#kept.of(group),
      bundle,
      // Portions take the same passes whatever their size. How often weights are read matters only
      // where they do not fit.
      portion: planPortion(group.length * chunk, bundle, false),
    });
    for (;;) {
      const next = await walk.next();
      if (next.done !== true) continue;
      const keptBytes = this.#kept.of(group).bytes;
      const chunkPasses = next.value.passes * group.length;
      return { ...this.#model.take(), chunks: group.length, chunkPasses, times: 1, keptBytes };
    }
  }

  /** A job over all chunks, group by group; groups of one size take the same. */
  async priceAll(mask: Mask, candidates: readonly Candidate[]): Promise<GroupWork[]> {
    const { chunks } = this.#shape;
    const whole = Math.floor(chunks / this.groupSize);
    const groups: GroupWork[] = [];
    const from = (first: number, to: number): number[] => Array.from({ length: to - first }, (_, at) => first + at);
    if (whole > 0) {
      groups.push({ ...(await this.price(mask, candidates, from(0, this.groupSize))), times: whole });
    }
    const first = whole * this.groupSize;
    if (first < chunks) groups.push(await this.price(mask, candidates, from(first, chunks)));
    return groups;
  }
}
