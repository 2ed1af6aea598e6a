/**
 * Races on losses that are known: what a race would have picked and cost, in any order of chunks,
 * without a model.
 */
import type { BlockId } from '../../model/blockId.ts';
import type { Candidate } from '../candidates.ts';
import { Race, type RaceStart } from './race.ts';
import { naivePasses, sweepPasses } from '../blockPasses.ts';
import type { DesignEffect } from './raceRule.ts';

/** Segment sums of every candidate on every chunk, as `Race.add` takes them. */
export interface KnownLosses {
  /** [candidate][chunk][segment] */
  losses: readonly (readonly Float64Array[])[];
  /** [chunk][segment] */
  shares: readonly (readonly number[])[];
}

export interface Replay {
  /**
   * The candidate with the lowest mean loss among those that saw all chunks; a tie goes to the
   * first.
   */
  picked: number;
  /** What exact mode picks. */
  exact: number;
  /** Candidates still in when all chunks were seen. */
  survivors: number;
  /** Candidates still in at each chunk, in the order of visit. */
  alive: (readonly number[])[];
  /** What a next step is told of this one. */
  effect: DesignEffect | null;
}

/** Runs a race over the chunks in `order`. */
export function replayRace(
  known: KnownLosses,
  order: readonly number[],
  settings: Pick<RaceStart, 'confidence' | 'margin' | 'places' | 'effect'>,
): Replay {
  const { losses, shares } = known;
  const race = new Race({ candidates: losses.length, population: order.length, ...settings });
  const alive = [];
  for (const chunk of order) {
    alive.push(race.alive);
    race.add(shares[chunk], (candidate) => losses[candidate][chunk]);
    race.look();
  }
  const totals = losses.map((chunks) => chunks.reduce((sum, segments) => sum + segments.reduce((a, b) => a + b, 0), 0));
  const lowestOf = (candidates: readonly number[]): number => {
    return candidates.reduce((best, candidate) => (totals[candidate] < totals[best] ? candidate : best));
  };
  const survivors = race.alive;
  const [picked, exact] = [lowestOf(survivors), lowestOf([...losses.keys()])];
  return { picked, exact, survivors: survivors.length, alive, effect: race.effect };
}

/**
 * Block passes of a replayed race, and of the exact sweep and the naive search, summed over
 * chunks.
 */
export function replayCost(
  walk: readonly BlockId[],
  candidates: readonly Candidate[],
  alive: Replay['alive'],
): { race: number; exact: number; naive: number } {
  const race = alive.reduce(
    (sum, inRace) =>
      sum +
      sweepPasses(
        walk,
        inRace.map((index) => candidates[index]),
      ),
    0,
  );
  return {
    race,
    exact: alive.length * sweepPasses(walk, candidates),
    naive: alive.length * naivePasses(walk, candidates),
  };
}
