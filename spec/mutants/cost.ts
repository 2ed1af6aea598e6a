/** Faults of a run's plan, of the line that announces it, and of the bar. */
import type { Mutant } from './mutant.ts';

const work = { file: 'src/prune/cost/searchWork.ts', specs: ['spec/prune/cost/searchWork.spec.ts'] };
const plan = { file: 'src/prune/cost/runPlan.ts', specs: ['spec/prune/cost/runPlan.spec.ts'] };
const speed = { file: 'src/prune/cost/speed.ts', specs: ['spec/prune/cost/runPlan.spec.ts'] };

export const costMutants: readonly Mutant[] = [
  {
    ...work,
    name: 'plan: groups of one size count once',
    from: 'return groups.reduce((sum, { chunkPasses, times }) => sum + chunkPasses * times, 0);',
    to: 'return groups.reduce((sum, { chunkPasses }) => sum + chunkPasses, 0);',
  },
  {
    ...work,
    name: 'plan: a race drops nobody at its best',
    from: 'picked === null || index === picked ? EQUAL : null',
    to: 'EQUAL',
  },
  {
    ...work,
    name: 'plan: an ordered search measures the model before each removal too',
    from: 'await pricer.priceAll(after, [])',
    to: 'await pricer.priceAll(mask, [removed])',
  },
  {
    file: 'src/prune/cost/flops.ts',
    specs: ['spec/prune/cost/flops.spec.ts'],
    name: 'plan: attention looks at all keys, without mask and window',
    from: 'keys += Math.min(query + 1, window ?? keyLen);',
    to: 'keys += keyLen;',
  },
  {
    ...plan,
    name: 'plan: the held-out text is measured on the dense model alone',
    from: 'for (const removed of [null, ...order]) {',
    to: 'for (const removed of [] as (Candidate | null)[]) {',
  },
  {
    ...plan,
    name: 'plan: says nothing of a repair that it does not count',
    from: "if (repair === 'end') parts.push(",
    to: 'if (repair === null) parts.push(',
  },
  {
    ...speed,
    name: 'plan: weights that stay in memory are loaded in every walk',
    from: 'await this.#cache.use(piece, bytes, load, () => {});',
    to: 'await load();',
  },
  {
    ...speed,
    name: 'plan: a call larger than any that was timed takes as long as the largest',
    from: 'return (flops / last.flops) * last.seconds;',
    to: 'return last.seconds;',
  },
  {
    file: 'src/cli/runClock.ts',
    specs: ['spec/cli/runClock.spec.ts'],
    name: 'bar: what is left of the run is what is left of the step',
    from: 'const later = byStep.slice(step).reduce(',
    to: 'const later = byStep.slice(byStep.length).reduce(',
  },
  {
    file: 'src/cli/barLine.ts',
    specs: ['spec/cli/barLine.spec.ts'],
    name: 'bar: the most important part is left out first',
    from: 'const worst = Math.max(...kept.map(({ rank }) => rank));',
    to: 'const worst = Math.min(...kept.map(({ rank }) => rank));',
  },
  {
    file: 'src/cli/prunePlan.ts',
    specs: ['spec/cli/plan.spec.ts'],
    name: 'prune: a text is cut at the default without a word',
    from: 'if (!takesDefault(given) || !reaches(chunks, DEFAULT_TOKENS)) return null;',
    to: 'if (takesDefault(given)) return null;',
  },
];
