/**
 * Repair in the loop: which candidate goes is decided by prices after repair. Repairing all of them
 * in every step would cost a fit of the whole model each, so only the leaders are repaired: the
 * candidates with the lowest plain prices, which are measured on top of the repaired model that the
 * step before left.
 *
 *     candidates ── sweep ──► plain prices ──► the k lowest ── repair each ──► prices after repair
 *                                                                                │
 *     the next step's model ◄── its fits are kept ◄── the lowest of these goes ◄─┘
 *
 * The price after repair is the perplexity over all chunks: those that the fits have seen and those
 * held out from them, as plain prices are. The held-out one is told beside it.
 */
import { aggregate, type ChunkScore } from '../../eval/perplexity.ts';
import type { RepairEvent } from '../../repair/repair.ts';
import type { Candidate } from '../candidates.ts';
import type { Choose, Leader, RepairProgressEvent, ScoredCandidate, ToChoose } from '../events.ts';
import { lowest } from '../lowest.ts';
import { mapEvents } from '../mapEvents.ts';
import type { SearchInput } from '../measureStep.ts';
import { once } from '../once.ts';
import { canRepair, perplexityOver, type LeaderScores, type Repairs } from './repairs.ts';

/**
 * The choice of a search whose pricer prices on top of the repaired model. The journal keeps each
 * leader's scores: a killed run loses one repair at most.
 * @param leaders how many candidates are repaired in a step, from 1 on.
 */
export function chooseRepaired(
  { model, chunks, journal }: Omit<SearchInput, 'pricer'>,
  repairs: Repairs,
  leaders: number,
): Choose {
  return async function* ({ step, mask, outcome }) {
    const first = leadersOf(outcome.scored, leaders);
    const priced: Leader[] = [];
    const scores = new Map<Leader | null, readonly ChunkScore[]>();
    for (const [index, leader] of first.entries()) {
      const without = mask.with(leader.blocks);
      const plain = plainScores(outcome, leader);
      const place = { step, name: leader.name, index, of: first.length };
      const found = canRepair(model, without)
        ? yield* once(journal, `step ${step}, repaired without ${leader.name}`, () =>
            tell(repairs.ofLeader(without), place),
          )
        : { scores: plain, heldOut: [] };
      const repaired = leaderOf(leader, plain, found);
      priced.push(repaired);
      scores.set(repaired, found.scores);
      repairs.judge(lowest(priced) === repaired);
    }
    const picked = lowest(priced);
    const runnerUp = lowest(priced.filter((leader) => leader !== picked));
    const plainOf = (leader: Leader | null): ScoredCandidate | null => {
      return leader === null ? null : { name: leader.name, blocks: leader.blocks, perplexity: leader.plain };
    };
    return {
      best: plainOf(picked),
      runnerUp: plainOf(runnerUp),
      ppl: picked?.perplexity.ppl ?? NaN,
      scores: { best: scores.get(picked) ?? [], runnerUp: scores.get(runnerUp) ?? [] },
      repair: { leaders: priced, picked, runnerUp },
    };
  };

  function leaderOf(
    candidate: ScoredCandidate,
    plain: readonly ChunkScore[],
    { scores, heldOut }: LeaderScores,
  ): Leader {
    const { name, blocks, perplexity } = candidate;
    const over = (of: readonly ChunkScore[]): number => perplexityOver(chunks, of, heldOut).ppl;
    return {
      name,
      blocks,
      plain: perplexity,
      perplexity: aggregate(chunks, scores),
      heldOut: heldOut.length === 0 ? null : { plain: over(plain), repaired: over(scores) },
    };
  }
}

/** The lowest plain prices, lowest first; of equals the earlier candidate. */
function leadersOf(scored: readonly ScoredCandidate[], count: number): ScoredCandidate[] {
  const finite = scored.filter(({ perplexity }) => Number.isFinite(perplexity.ppl));
  return finite.toSorted((a, b) => a.perplexity.ppl - b.perplexity.ppl).slice(0, count);
}

function plainScores({ scored, scores }: ToChoose['outcome'], { name }: Candidate): readonly ChunkScore[] {
  return scores[scored.findIndex((candidate) => candidate.name === name)];
}

/** The repair's events as the search's. */
function tell<T>(
  work: AsyncGenerator<RepairEvent, T>,
  leader: RepairProgressEvent['leader'],
): AsyncGenerator<RepairProgressEvent, T> {
  let fraction = 0;
  return mapEvents(work, (event) => {
    if (event.type === 'repairing') fraction = event.fraction;
    const block = event.type === 'repairing' ? event.block : event.fit.block;
    return { type: 'repairing', leader, block, fraction };
  });
}
