import { seededRng } from '../../src/tensor/rng.ts';
import { damages } from './damage.ts';
import { fateOf, runTargets, type Fate } from './runTargets.ts';

export interface DamagedRuns {
  /** How many of each target's files were refused, and how many led to the same result. */
  fates: Map<string, Record<Fate, number>>;
  /** What led to another result or to no typed error. */
  faults: string[];
}

/** Damages `count` files, each target in each way in turn; the same seed damages the same way. */
export async function damageRuns(count: number, seed: number): Promise<DamagedRuns> {
  const kinds = Object.entries(damages);
  const fates = new Map(runTargets.map(({ name }) => [name, { refused: 0, same: 0 }]));
  const faults: string[] = [];
  for (let file = 0; file < count; file++) {
    const target = runTargets[file % runTargets.length];
    const [kind, draw] = kinds[Math.floor(file / runTargets.length) % kinds.length];
    try {
      const fate = await fateOf(target, draw(seededRng(seed).fork(String(file))));
      const counts = fates.get(target.name);
      if (counts !== undefined) counts[fate]++;
    } catch (error) {
      faults.push(`file ${file} of seed ${seed}, ${target.name}, ${kind}: ${String(error)}`);
    }
  }
  return { fates, faults };
}
