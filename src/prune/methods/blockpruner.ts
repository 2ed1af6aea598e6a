import { UsageError } from '../../errors.ts';
import type { Metric } from '../lowest.ts';
import type { Method } from '../method.ts';
import { checkRace, type RaceSettings } from '../race/raceRule.ts';
import { loopSettings, type LoopSettings } from '../repair/settings.ts';
import { unknownSetting } from './settings.ts';

export interface BlockPrunerSettings {
  /** Drop clear losers before they have seen all chunks (docs/internals/racing.md). */
  readonly race?: RaceSettings;
  /** Choose by prices after repair (`--repair each`). */
  readonly repair?: LoopSettings;
  /** What the lowest of goes; default: perplexity. */
  readonly metric?: 'kl';
}

/** What the lowest of goes in each step of a method with such settings. */
export function metricOf({ name, settings }: { readonly name: string; readonly settings: unknown }): Metric {
  return name === 'blockpruner' ? ((settings as BlockPrunerSettings).metric ?? 'ppl') : 'ppl';
}

const KL_RACE = '--metric kl does not go with --search race, which judges by perplexity.';

/** What is wrong with a search by KL that repairs in the loop. */
export function klWithRepair(): UsageError {
  return new UsageError('--metric kl does not go with --repair each, which chooses by perplexity after repair.', {
    remedy: 'Use --repair end.',
  });
}

/**
 * Zhong et al. 2025, BlockPruner (§3.3): in every step the block whose removal leaves the lowest
 * perplexity goes; the rest is measured anew on top of what is gone.
 */
export const blockpruner: Method<BlockPrunerSettings> = {
  name: 'blockpruner',
  summary: 'removes the block whose absence leaves the lowest perplexity, and measures the rest again',
  paper: 'Zhong et al. 2025, BlockPruner',
  needs: ['calibration'],
  scoring: 'search',
  version: '1',
  check({ race, repair, metric, ...others }) {
    const other = Object.keys(others).find((name) => others[name] !== undefined);
    if (other !== undefined) throw unknownSetting('blockpruner', other, ['race', 'repair', 'metric']);
    if (race !== undefined && repair !== undefined) {
      throw new UsageError('--search race drops candidates before --repair each could repair them.', {
        remedy: 'Use --search exact, or --repair end.',
      });
    }
    if (metric !== undefined) {
      if (metric !== 'kl') throw new UsageError("setting 'metric' is kl.");
      if (race !== undefined) throw new UsageError(KL_RACE, { remedy: 'Use --search exact.' });
      if (repair !== undefined) throw klWithRepair();
      return { metric };
    }
    if (repair !== undefined) {
      if (typeof repair !== 'object' || repair === null) throw new UsageError("setting 'repair' is an object.");
      return { repair: loopSettings(repair as Readonly<Record<string, unknown>>) };
    }
    if (race === undefined) return {};
    checkRace(race as RaceSettings);
    return { race: race as RaceSettings };
  },
  async *run(subject, { race, repair, metric }, stop) {
    const mask = yield* subject.search({ stop, race, leaders: repair?.leaders, metric });
    return [{ type: 'remove', blocks: mask.blocks }];
  },
};
