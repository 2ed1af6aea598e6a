/**
 * Faults of what prices a step, of a search bound to an order, and of the memory that both share.
 */
import type { Mutant } from './mutant.ts';

const pricer = { specs: ['spec/prune/pricing/pricer.spec.ts'] };
const order = { specs: ['spec/prune/search.spec.ts'] };

export const pricingMutants: readonly Mutant[] = [
  {
    file: 'src/model/footprint.ts',
    specs: ['spec/session/memoryPlan.spec.ts'],
    name: "memory: the head's sums are not counted",
    from: 'streams * (4 * config.hiddenSize + nllRowBytes)',
    to: 'streams * 4 * config.hiddenSize',
  },
  {
    file: 'src/model/footprint.ts',
    specs: ['spec/prune/pricing/plan.spec.ts', 'spec/session/session.spec.ts'],
    name: 'memory: no room for the stream that moves on',
    from: '4 * (streams + 1) * hiddenSize',
    to: '4 * streams * hiddenSize',
  },
  {
    file: 'src/session/session.ts',
    specs: ['spec/session/session.spec.ts'],
    name: 'a session that cannot be opened leaves its backend behind',
    from: `    await backend.dispose();
    throw error;`,
    to: '    throw error;',
  },
  {
    file: 'src/session/loadedWeights.ts',
    specs: ['spec/session/session.spec.ts'],
    name: 'short memory is told in words that were not asked for',
    from: 'hostBytes, this.#remedy)',
    to: 'hostBytes)',
  },
  {
    ...order,
    file: 'src/prune/search.ts',
    name: 'an order of removal is left after its first entry',
    from: 'order?.slice(step - 1, step)',
    to: 'order?.slice(step - 1, step === 1 ? 1 : undefined)',
  },
  {
    ...order,
    file: 'src/prune/candidates.ts',
    name: 'an order of removal may name a block twice',
    from: 'if (left.delete(block)) continue;',
    to: 'if (left.has(block)) continue;',
  },
  {
    ...pricer,
    file: 'src/prune/pricing/checkpoints.ts',
    name: 'groups cut anew keep their streams beside the old ones, beyond the budget',
    from: 'if (this.#groups.size <= this.#most) break;',
    to: 'break;',
  },
  {
    ...pricer,
    file: 'src/prune/pricing/localPricer.ts',
    name: 'chunks of a job are scored as if they were the first ones',
    from: 'scoreChunk(chunks, group[at], nll',
    to: 'scoreChunk(chunks, at, nll',
  },
  {
    ...pricer,
    file: 'src/prune/pricing/localPricer.ts',
    name: 'passes of a job are not counted once a chunk',
    from: 'swept.passes * group.length',
    to: 'swept.passes',
  },
  {
    specs: ['spec/prune/search.spec.ts'],
    file: 'src/prune/mapEvents.ts',
    name: 'an abandoned search leaves its sweep as it is',
    from: 'await abandon(events);',
    to: '',
  },
  {
    specs: ['spec/prune/race/raceSearch.spec.ts'],
    file: 'src/prune/race/raceStep.ts',
    name: 'a race whose candidates are all out leaves the dense model unmeasured',
    from: 'alive.length === 0 && step > 1',
    to: 'alive.length === 0',
  },
];
