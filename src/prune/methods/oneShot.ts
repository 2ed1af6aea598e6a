import type { Method, Subject, Telling } from '../method.ts';
import { rankingMethod } from './ranking.ts';

/**
 * The perplexity without each candidate alone, measured once on the whole model (Kim et al. 2024,
 * Shortened LLaMA, §3: "PPL"). The first removal is BlockPruner's; from the second on BlockPruner
 * measures anew and this does not.
 */
export const oneShot: Method = rankingMethod({
  name: 'one-shot',
  summary: 'measures the perplexity without each block once and removes the lowest first',
  paper: 'Kim et al. 2024, Shortened LLaMA (PPL)',
  needs: ['calibration'],
  scoring: 'sweep',
  defaults: {},
  score: scoreAll,
});

async function* scoreAll(subject: Subject): Telling<number[]> {
  const priced = yield* subject.price(subject.candidates);
  return priced.map(({ ppl }) => ppl);
}
