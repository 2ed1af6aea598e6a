/**
 * Orders in which a search might remove blocks. Which ones go is not known before a run, and later
 * steps depend on it: how far along the walk a step can begin, and how soon a ratio is reached.
 */
import { walkIndex } from '../../model/blockId.ts';
import type { ModelConfig } from '../../model/config.ts';
import { Mask } from '../../model/mask.ts';
import type { ParameterCounts } from '../../model/parameters.ts';
import { candidatesLeft, type Candidate, type PruneKind, type StopRules } from '../candidates.ts';
import type { Protected } from '../protect.ts';
import { ratios } from '../ratios.ts';

export interface ToRemove {
  readonly config: ModelConfig;
  readonly counts: ParameterCounts;
  readonly kind: PruneKind;
  /** Blocks that are never candidates. */
  readonly kept?: Protected;
  readonly stop: StopRules;
}

/** Chooses one of a step's candidates, which are sorted along the walk: its index. */
type Pick = (candidates: readonly Candidate[], step: number) => number;

/** Orders that are looked at for what is likely. */
const LIKELY = 4;
/** Its multiples spread evenly over 0 … 1. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Above 1, more of them go in the front half: a search seldom removes the last blocks first. The
 * later the removed block, the shorter the next step.
 */
const FRONT = 1.5;

/** Orders spread over the model, the same in every run. */
export function likelyOrders(what: ToRemove): Candidate[][] {
  return Array.from({ length: LIKELY }, (_, order) =>
    orderOf(what, (candidates, step) => {
      const share = ((order + 0.5) / LIKELY + step * GOLDEN) % 1;
      return Math.floor(share ** FRONT * candidates.length);
    }),
  );
}

/** How many steps a run has, at the least and at the most: a bound on perplexity may end any. */
export function stepSpan(what: ToRemove): { least: number; most: number } {
  const bySize = (sign: number): Candidate[] =>
    orderOf(what, (candidates) => {
      const sizes = candidates.map((candidate) => sign * sizeOf(candidate, what.counts));
      return sizes.indexOf(Math.max(...sizes));
    });
  const most = bySize(-1).length;
  return { least: boundsPerplexity(what.stop) ? 1 : bySize(1).length, most };
}

/** Whether a stop rule looks at perplexity: nobody knows before when it will be met. */
export function boundsPerplexity({ maxPpl, maxIncrease }: StopRules): boolean {
  return maxPpl !== undefined || maxIncrease !== undefined;
}

function orderOf({ config, counts, kind, kept, stop }: ToRemove, pick: Pick): Candidate[] {
  const order: Candidate[] = [];
  for (let mask = Mask.empty; ; mask = mask.with(order[order.length - 1].blocks)) {
    const candidates = candidatesLeft(kind, config, mask, kept);
    if (candidates.length === 0 || isDone(stop, mask, counts)) return order;
    candidates.sort((a, b) => walkIndex(a.blocks[0]) - walkIndex(b.blocks[0]));
    order.push(candidates[pick(candidates, order.length)]);
  }
}

function isDone(
  { blocks = Infinity, ratio = Infinity, ratioOf = 'total' }: StopRules,
  mask: Mask,
  counts: ParameterCounts,
): boolean {
  return mask.size >= blocks || ratios(counts, mask)[ratioOf] >= ratio;
}

function sizeOf({ blocks }: Candidate, { byBlock }: ParameterCounts): number {
  return blocks.reduce((sum, { layer, kind }) => sum + (byBlock.get(`L${layer}.${kind}`) ?? 0), 0);
}
