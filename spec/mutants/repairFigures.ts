/** Faults of the figures that a repair states. */
import type { Mutant } from './mutant.ts';

export const repairFiguresMutants: readonly Mutant[] = [
  {
    name: 'a repair is compared with the dense model, not with the pruned one',
    file: 'src/repair/document.ts',
    specs: ['spec/repair/document.spec.ts'],
    from: 'pairedDifference(measured, after, before)',
    to: 'pairedDifference(measured, after, unpruned)',
  },
  {
    name: 'the share that is back is one of the whole loss',
    file: 'src/eval/paired.ts',
    specs: ['spec/eval/paired.spec.ts'],
    from: 'weight: most[index].value - least[index].value',
    to: 'weight: most[index].value',
  },
  {
    name: 'a share of next to nothing is stated',
    file: 'src/eval/paired.ts',
    specs: ['spec/eval/paired.spec.ts'],
    from: '.nats >= NOTHING)) return null;',
    to: '.nats > -Infinity)) return null;',
  },
  {
    name: 'the report states the share that is back without its error',
    file: 'src/prune/report/repairSection.ts',
    specs: ['spec/prune/report/repairSection.spec.ts'],
    from: 'formatShare(back.share, back.standardError)',
    to: 'formatShare(back.share, null)',
  },
];
