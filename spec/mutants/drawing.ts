/** Faults in how figures are written. */
import type { Mutant } from './mutant.ts';

const numbers = { file: 'src/drawing/numbers.ts', specs: ['spec/drawing/numbers.spec.ts'] };

export const drawingMutants: readonly Mutant[] = [
  {
    ...numbers,
    name: 'a percentage is rounded up to ten after its decimals are chosen',
    from: 'Number(fine) >= 10 ?',
    to: 'percent >= 10 ?',
  },
  {
    ...numbers,
    name: 'a loss reads as a gain',
    from: 'return MINUS + formatPercent(-share);',
    to: 'return formatPercent(-share);',
  },
  {
    name: 'the terminal writes percentages in its own way',
    file: 'src/cli/figures.ts',
    from: 'return plainSpaces(formatPercent(share));',
    to: 'return `${(100 * share).toFixed(1)} %`;',
    specs: ['spec/drawing/numbers.spec.ts'],
  },
];
