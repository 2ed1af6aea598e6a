import { seededRng } from '../../tensor/rng.ts';
import type { Method } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/** The control that every method should beat: scores are draws, uniform in [0, 1). */
export const random: Method = rankingMethod({
  name: 'random',
  summary: 'removes blocks in a random order',
  paper: null,
  needs: [],
  scoring: 'nothing',
  defaults: { seed: 0 },
  score({ candidates }, { seed }) {
    const draw = seededRng(seed).fork('random order');
    return candidates.map(() => draw.uniform());
  },
});
