/**
 * The work of a search whose removals are given: exact, to the pass. Which blocks a search will
 * remove is not known before; `removals.ts` says which orders are looked at.
 */
import { Mask } from '../../model/mask.ts';
import { walkOf } from '../../model/walk.ts';
import { stepWork, walkWork } from '../blockPasses.ts';
import { candidatesLeft, type Candidate, type PruneKind } from '../candidates.ts';
import type { RowPasses } from '../events.ts';
import { Race } from '../race/race.ts';
import type { DesignEffect } from '../race/raceRule.ts';
import { DryPricer, type GroupWork, type SearchShape } from './dryPricer.ts';

/** What one step takes. */
export interface StepWork {
  /** From 1 on. */
  readonly step: number;
  readonly candidates: number;
  readonly groups: readonly GroupWork[];
  readonly work: RowPasses;
}

/**
 * The steps of an exact search that removes `removals` in this order: all candidates of `kind` in
 * each step.
 */
export async function exactWork(
  shape: SearchShape,
  kind: PruneKind,
  removals: readonly Candidate[],
): Promise<StepWork[]> {
  const { config } = shape;
  const pricer = new DryPricer(
    shape,
    candidatesLeft(kind, config, Mask.empty, shape.kept).length,
    shape.checkpointBytes,
  );
  const steps: StepWork[] = [];
  let mask = Mask.empty;
  for (const removed of removals) {
    const candidates = candidatesLeft(kind, config, mask, shape.kept);
    const groups = await pricer.priceAll(mask, candidates);
    const work = stepWork(walkOf(config, mask), candidates, passesOf(groups), countsOf(shape));
    steps.push({ step: steps.length + 1, candidates: candidates.length, groups, work });
    mask = mask.with(removed.blocks);
  }
  return steps;
}

/** The steps of an order decided beforehand: one candidate each, one model from the second on. */
export async function orderedWork(shape: SearchShape, removals: readonly Candidate[]): Promise<StepWork[]> {
  const { config } = shape;
  const pricer = new DryPricer(shape, 1, shape.checkpointBytes);
  const steps: StepWork[] = [];
  let mask = Mask.empty;
  for (const removed of removals) {
    const first = steps.length === 0;
    const after = mask.with(removed.blocks);
    const groups = first ? await pricer.priceAll(mask, [removed]) : await pricer.priceAll(after, []);
    const work = first
      ? stepWork(walkOf(config, mask), [removed], passesOf(groups), countsOf(shape))
      : walkWork(walkOf(config, after), passesOf(groups), countsOf(shape));
    steps.push({ step: steps.length + 1, candidates: 1, groups, work });
    mask = after;
  }
  return steps;
}

/** One sweep over the whole model and all candidates of `kind`. */
export async function onceWork(shape: SearchShape, kind: PruneKind): Promise<GroupWork[]> {
  const candidates = candidatesLeft(kind, shape.config, Mask.empty, shape.kept);
  return new DryPricer(shape, candidates.length, 0).priceAll(Mask.empty, candidates);
}

/**
 * The steps of a race at its best or its worst: all but the pick drop out at the first look, or
 * nobody ever does. What a race takes lies between.
 */
export async function raceWork(
  shape: SearchShape,
  kind: PruneKind,
  removals: readonly Candidate[],
  drops: 'all' | 'none',
): Promise<StepWork[]> {
  const { config } = shape;
  // Each step visits chunks in an order of its own: nothing is kept from step to step.
  const pricer = new DryPricer(shape, candidatesLeft(kind, config, Mask.empty, shape.kept).length, 0);
  const steps: StepWork[] = [];
  let mask = Mask.empty;
  for (const removed of removals) {
    const candidates = candidatesLeft(kind, config, mask, shape.kept);
    const picked = drops === 'none' ? null : candidates.findIndex(({ name }) => name === removed.name);
    const groups = await raceGroups(shape, pricer, mask, candidates, { picked, first: steps.length === 0 });
    const work = stepWork(walkOf(config, mask), candidates, passesOf(groups), countsOf(shape));
    steps.push({ step: steps.length + 1, candidates: candidates.length, groups, work });
    mask = mask.with(removed.blocks);
  }
  return steps;
}

/** @param picked index of the one that stays in; null = all do. */
async function raceGroups(
  { chunks }: SearchShape,
  pricer: DryPricer,
  mask: Mask,
  candidates: readonly Candidate[],
  { picked, first }: { picked: number | null; first: boolean },
): Promise<GroupWork[]> {
  const race = new Race({
    candidates: candidates.length,
    population: chunks,
    confidence: 0.5,
    margin: 0,
    places: null,
    effect: first ? null : KNOWN,
  });
  const groups: (GroupWork & { alive: number })[] = [];
  while (race.seen < chunks) {
    const to = Math.min(race.nextLook, race.seen + pricer.groupSize);
    const alive = race.alive.map((index) => candidates[index]);
    const group = Array.from({ length: to - race.seen }, (_, at) => race.seen + at);
    const same = groups.find((one) => one.alive === alive.length && one.chunks === group.length);
    groups.push({ ...(same ?? (await pricer.price(mask, alive, group))), alive: alive.length });
    // Equal losses drop nobody; one that is not finite drops its candidate at the next look.
    for (const _ of group) race.add([1], (index) => (picked === null || index === picked ? EQUAL : null));
    race.look();
  }
  return groups;
}

const EQUAL = Float64Array.of(0);

/** Any design effect will do: with it, the first look comes after one chunk. */
const KNOWN: DesignEffect = { factor: 1, within: 1, freedom: 1 };

export function passesOf(groups: readonly GroupWork[]): number {
  return groups.reduce((sum, { chunkPasses, times }) => sum + chunkPasses * times, 0);
}

function countsOf({ chunk, chunks }: SearchShape): { chunk: number; ids: { length: number } } {
  return { chunk, ids: { length: chunks } };
}
