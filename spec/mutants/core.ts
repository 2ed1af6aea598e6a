/** Faults of taps, edits, shapes of layers, and of what a block holds. */
import type { Mutant } from './mutant.ts';

const tap = { file: 'src/model/tap.ts', specs: ['spec/model/tap.spec.ts'] };

export const coreMutants: readonly Mutant[] = [
  {
    ...tap,
    name: 'a tap is shown the stream after the block as the one before',
    from: 'layer: block.layer }, x, after, scope)',
    to: 'layer: block.layer }, after, after, scope)',
  },
  {
    ...tap,
    name: 'arrays are freed while a tap still looks at them',
    from: '    await Promise.all(pending);\n',
    to: '',
  },
  {
    ...tap,
    name: 'a tap that fails leaves the others with freed arrays',
    from: '    await Promise.allSettled(pending);\n',
    to: '',
  },
];
