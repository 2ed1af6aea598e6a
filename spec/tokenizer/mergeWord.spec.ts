/** The table of merges against a Map, and merging against a search through the whole word. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { mergeTable } from '../../src/tokenizer/mergeTable.ts';
import { mergeWord } from '../../src/tokenizer/mergeWord.ts';

type Merge = [left: number, right: number, result: number];

const id = fc.oneof(fc.nat(12), fc.nat(2 ** 22 - 1));
const merges = fc.array(fc.tuple(id, id, id), { maxLength: 60 });
const ranked = fc.array(fc.tuple(id, id, id, fc.nat(2 ** 20)), { maxLength: 60 });

describe('a table of merges', () => {
  test.prop([merges, fc.array(fc.tuple(id, id))])(
    'finds what a Map finds, and the later of a pair given twice',
    (list, asked) => {
      const table = mergeTable(list);
      const twin = new Map(list.map(([left, right, result], rank) => [`${left} ${right}`, { rank, result }]));
      for (const [left, right] of [...list.map(([a, b]): [number, number] => [a, b]), ...asked]) {
        const slot = table.find(left, right);
        const found = slot < 0 ? undefined : { rank: table.ranks[slot], result: table.results[slot] };
        expect(found).toEqual(twin.get(`${left} ${right}`));
      }
    },
  );

  test.prop([ranked])('takes ranks of their own', (list) => {
    const table = mergeTable(
      list.map(([left, right, result]): Merge => [left, right, result]),
      list.map(([, , , rank]) => rank),
    );
    const twin = new Map(list.map(([left, right, , rank]) => [`${left} ${right}`, rank]));
    for (const [left, right] of list) expect(table.ranks[table.find(left, right)]).toBe(twin.get(`${left} ${right}`));
  });

  it('without merges finds nothing, and tells left from right', () => {
    expect(mergeTable([]).find(0, 0)).toBe(-1);
    expect(mergeTable([[1, 2, 3]]).find(2, 1)).toBe(-1);
  });

  it('finds all of a hundred thousand, and none beside them', () => {
    const list = Array.from({ length: 100_000 }, (_, index): Merge => [index % 317, index, index + 7]);
    const table = mergeTable(list);
    const found = list.map(([left, right]) => table.results[table.find(left, right)]);
    expect(found).toEqual(list.map(([, , result]) => result));
    expect(list.filter(([left, right]) => table.find(left + 1, right) >= 0)).toEqual([]);
  });
});

/** Looks through the whole word before every merge. */
function plainMerge(word: readonly number[], list: readonly Merge[], ranks: readonly number[]): number[] {
  const known = new Map(
    list.map(([left, right, result], index) => [`${left} ${right}`, { result, rank: ranks[index] }]),
  );
  let symbols = [...word];
  for (;;) {
    const here = symbols.map((left, at) => known.get(`${left} ${symbols[at + 1]}`));
    const best = Math.min(...here.map((merge) => merge?.rank ?? Infinity));
    const at = here.findIndex((merge) => merge?.rank === best);
    if (at < 0) return symbols;
    symbols = [...symbols.slice(0, at), here[at]?.result ?? -1, ...symbols.slice(at + 2)];
  }
}

/** Few symbols, and results among them, so that merges feed each other. */
const symbol = fc.nat(5);
const dense = fc.array(fc.tuple(symbol, symbol, symbol, fc.nat(4)), { maxLength: 14 });

describe.each([
  ['short', 0, 24],
  ['on the border between the two ways', 24, 25],
  ['long', 25, 90],
] as const)('a word that is %s', (_, minLength, maxLength) => {
  test.prop([fc.array(symbol, { minLength, maxLength }), dense], { numRuns: 200 })(
    'is merged by rank, of one rank the leftmost first',
    (word, list) => {
      const pairs = list.map(([left, right, result]): Merge => [left, right, result]);
      const ranks = list.map(([, , , rank]) => rank);
      expect(mergeWord([...word], mergeTable(pairs, ranks))).toEqual(plainMerge(word, pairs, ranks));
    },
  );

  test.prop([fc.array(symbol, { minLength, maxLength })])('stays as it is without merges', (word) => {
    expect(mergeWord([...word], mergeTable([]))).toEqual(word);
  });
});
