/**
 * Faults of the door for pruning methods: what they keep, what they score, in which order they
 * remove.
 */
import type { Mutant } from './mutant.ts';

const piece = { file: 'src/prune/journalPiece.ts', specs: ['spec/prune/journalPiece.spec.ts'] };

const method = (name: string, spec: string): Pick<Mutant, 'file' | 'specs'> => ({
  file: `src/prune/methods/${name}.ts`,
  specs: [`spec/method/${spec}.spec.ts`],
});
const ranking = method('ranking', 'ranking');
const run = { file: 'src/prune/runIdentity.ts', specs: ['spec/method/ranking.spec.ts'] };

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
  {
    ...method('blockInfluence', 'blockInfluence'),
    name: "block influence: a layer's is that of its MLP",
    from: 'first || entered === null ?',
    to: 'first || entered !== null ?',
  },
  {
    ...method('blockInfluence', 'blockInfluence'),
    name: 'block influence: the last token is left out of the mean',
    from: 'chunks.ids.length * chunks.chunk)',
    to: 'chunks.ids.length * (chunks.chunk - 1))',
  },
  { ...method('magnitude', 'magnitude'), name: 'magnitude: signs cancel', from: 'Math.abs(value)', to: 'value' },
  {
    ...method('taylor', 'taylor'),
    name: 'Taylor: entries of a tensor cancel',
    from: 'Math.abs(weight[i] * gradient[i])',
    to: 'weight[i] * gradient[i]',
  },
  { ...method('random', 'ranking'), name: 'random: the seed is not used', from: 'seededRng(seed)', to: 'seededRng(1)' },
  {
    ...method('reverse', 'ranking'),
    name: 'reverse: from the first block on',
    from: 'walkOf(model.config).toReversed()',
    to: 'walkOf(model.config)',
  },
  {
    ...ranking,
    name: 'ranking: ties go to the later one',
    from: 'a.score > b.score ? 1 : 0',
    to: 'a.score > b.score ? 1 : -1',
  },
  {
    ...ranking,
    name: 'ranking: a score that is NaN goes first',
    from: 'return Number(Number.isNaN(a.score)) - Number(Number.isNaN(b.score));',
    to: 'return Number(Number.isNaN(b.score)) - Number(Number.isNaN(a.score));',
  },
  {
    ...ranking,
    name: 'plus: the last layer but one may go',
    from: 'layer < layers.length - KEPT_LAST',
    to: 'layer <= layers.length - KEPT_LAST',
  },
  {
    ...ranking,
    name: 'plus: six layers are not refused',
    from: 'layers.length > KEPT_FIRST + KEPT_LAST',
    to: 'layers.length >= KEPT_FIRST + KEPT_LAST',
  },
  {
    ...run,
    name: "journal hash misses a method's settings",
    from: 'method: { name, version, settings, ...',
    to: 'method: { name, version, ...',
  },
  {
    ...run,
    specs: ['spec/method/everyMethod.spec.ts'],
    name: 'journal hash misses the method',
    from: '...evaluationIdentity(model, chunks), ...identity }',
    to: '...evaluationIdentity(model, chunks) }',
  },
  {
    file: 'src/prune/document.ts',
    specs: ['spec/method/ranking.spec.ts'],
    name: 'document: edits that were not measured are taken',
    from: "if (removed !== end.mask.toString() || edits.some(({ type }) => type !== 'remove'))",
    to: 'if (removed === null)',
  },
  {
    file: 'src/prune/once.ts',
    specs: ['spec/method/once.spec.ts'],
    name: 'once: a value that is kept is shared with whoever computed it',
    from: 'return decodeKept(encodeKept(value)) as T;',
    to: 'return value;',
  },
  {
    file: 'src/prune/search.ts',
    specs: ['spec/method/everyMethod.spec.ts'],
    name: 'stop rule: of whatever, the ratio is of all parameters',
    from: "reached[stop.ratioOf ?? 'total']",
    to: 'reached.total',
  },
  {
    file: 'src/prune/report/scoreSection.ts',
    specs: ['spec/prune/report/scoreSection.spec.ts'],
    name: 'report: bars of scores below 0 have no length',
    from: 'const from = Math.min(0, low);',
    to: 'const from = 0;',
  },
];
