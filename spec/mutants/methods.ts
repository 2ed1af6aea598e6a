/** Faults of the door for pruning methods: what they keep, what they score, in which order they remove. */
import type { Mutant } from './mutant.ts';

const piece = { file: 'src/prune/journalPiece.ts', specs: ['spec/prune/journalPiece.spec.ts'] };

export const methodMutants: readonly Mutant[] = [
  {
    ...piece,
    name: 'journal piece: −0 is kept as 0',
    from: '!Number.isFinite(value) || Object.is(value, -0)',
    to: '!Number.isFinite(value)',
  },
  {
    ...piece,
    name: 'journal piece: a typed array is kept as an object',
    from: '=== Object.prototype;',
    to: '!== null;',
  },
  {
    ...piece,
    name: 'journal piece: any text passes for a number',
    from: "typeof text === 'string' && specialNumbers.has(text)",
    to: "typeof text === 'string'",
  },
  {
    file: 'src/prune/journal.ts',
    specs: ['spec/prune/journalPiece.spec.ts'],
    name: 'journal piece: a second one of a key is read over the first',
    from: 'if (this.#pieces.has(record.key)) throw takenTwice(record.key, where);',
    to: '',
  },
];
