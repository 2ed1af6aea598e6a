import { formatBlock } from '../../model/blockId.ts';
import { walkOf } from '../../model/walk.ts';
import type { Method } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/**
 * The walk of the model from its end: the last layer first, and of a layer its MLP before its MHA.
 * A score is the number of blocks between the candidate and the head.
 */
export const reverse: Method = rankingMethod({
  name: 'reverse',
  summary: 'removes the last blocks first',
  paper: 'Men et al. 2024, ShortGPT (a control)',
  needs: [],
  scoring: 'nothing',
  defaults: {},
  score({ model, candidates }) {
    const fromEnd = walkOf(model.config).toReversed().map(formatBlock);
    return candidates.map(({ blocks }) => Math.min(...blocks.map((block) => fromEnd.indexOf(formatBlock(block)))));
  },
});
