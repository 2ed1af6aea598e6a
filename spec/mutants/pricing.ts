/** Faults of what prices a step, and of a search bound to an order. */
import type { Mutant } from './mutant.ts';

const order = { specs: ['spec/prune/search.spec.ts'] };

export const pricingMutants: readonly Mutant[] = [
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
];
