import type { Method } from '../method.ts';
import { checkRace, type RaceSettings } from '../race/raceRule.ts';
import { unknownSetting } from './settings.ts';

export interface BlockPrunerSettings {
  /** Drop clear losers before they have seen all chunks (docs/internals/racing.md). */
  readonly race?: RaceSettings;
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
  version: '1',
  check({ race, ...others }) {
    const other = Object.keys(others).find((name) => others[name] !== undefined);
    if (other !== undefined) throw unknownSetting('blockpruner', other, ['race']);
    if (race === undefined) return {};
    checkRace(race as RaceSettings);
    return { race: race as RaceSettings };
  },
  async *run(subject, { race }, stop) {
    const mask = yield* subject.search({ stop, race });
    return [{ type: 'remove', blocks: mask.blocks }];
  },
};
