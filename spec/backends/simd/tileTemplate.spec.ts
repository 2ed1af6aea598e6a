import { readFile } from 'node:fs/promises';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  generatedSources,
  gramTiles,
  linearTiles,
  tileText,
  type Tile,
} from '../../../src/backends/simd/assembly/tileTemplate.ts';

const folder = new URL('../../../src/backends/simd/assembly/', import.meta.url);

const [plain] = linearTiles;

/** Tiles that fit the registers: (rows + 1) · vectors + 1 ≤ 16. */
const someTile: fc.Arbitrary<Tile> = fc
  .record({
    numbers: fc.constantFrom('f32' as const, 'f64' as const),
    rows: fc.integer({ min: 1, max: 6 }),
    unroll: fc.integer({ min: 1, max: 16 }),
    pair: fc.boolean(),
  })
  .chain(({ numbers, rows, unroll, pair }) => {
    return fc.integer({ min: 1, max: rows }).map((leastRows): Tile => {
      const panels = pair ? ['left', 'right'] : ['panel'];
      return { ...plain, numbers, rows, unroll, leastRows, panels, joined: pair };
    });
  });

/** The lines of a text that match. */
const lines = (text: string, pattern: RegExp): string[] => text.split('\n').filter((line) => pattern.test(line));

describe('the tiles of matrix products', () => {
  it.each(Object.keys(generatedSources))('%s is what the template gives', async (file) => {
    const same = (await readFile(new URL(file, folder), 'utf8')) === generatedSources[file];
    expect(same, `${file} is stale: run \`npm run build:kernels\``).toBe(true);
  });

  it('have names of their own', () => {
    const names = [...linearTiles, ...gramTiles].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test.prop([someTile])('multiply each row by each vector once a step of k, and store what was asked for', (tile) => {
    const text = tileText(tile);
    const vectors = 2 * tile.panels.length;
    const steps = tile.unroll === 1 ? 2 : tile.unroll + 1;
    const products = lines(text, / = (?:fma|multiplyAdd)\(a, b\d, c\d\d\);$/);
    expect(products).toHaveLength(tile.rows * vectors * steps);
    for (let row = 0; row < tile.rows; row++) {
      for (let v = 0; v < vectors; v++) {
        const sum = `c${row}${v}`;
        const grows = products.filter((line) => line.includes(`${sum} =`) && line.endsWith(`(a, b${v}, ${sum});`));
        expect(grows).toHaveLength(steps);
      }
    }
    expect(lines(text, /store8\(/)).toHaveLength(tile.rows);
    expect(lines(text, /if \(rows > \d\)/)).toHaveLength(tile.rows - tile.leastRows);
  });

  test.prop([someTile])('move on by what a turn has read', (tile) => {
    const text = tileText(tile);
    const bytes = tile.numbers === 'f32' ? 4 : 8;
    for (let row = 0; row < tile.rows; row++) {
      const offsets = lines(text, new RegExp(`load\\d+_splat\\(x${row}, `)).map((line) => /, (\d+)\)/.exec(line)?.[1]);
      const turn = offsets.slice(0, tile.unroll).map(Number);
      expect(turn).toEqual(Array.from({ length: tile.unroll }, (_, k) => k * bytes));
      expect(text).toContain(`x${row} += ${tile.unroll * bytes};`);
    }
    for (const panel of tile.panels) expect(text).toContain(`${panel} += ${tile.unroll * 32};`);
  });

  it.each<[string, Partial<Tile>]>([
    ['no rows', { rows: 0 }],
    ['half a row', { rows: 2.5 }],
    ['more rows than registers hold', { rows: 7 }],
    ['two panels whose vectors are not joined', { panels: ['left', 'right'], joined: false }],
    ['three panels', { panels: ['a', 'b', 'c'], joined: true }],
    ['no panel', { panels: [] }],
    ['no steps', { unroll: 0 }],
    ['half a step', { unroll: 0.5 }],
    ['more steps than are worth the text', { unroll: 17 }],
    ['more rows at the least than at the most', { rows: 3, leastRows: 4 }],
    ['no least rows', { leastRows: 0 }],
  ])('refuse %s', (_, wrong) => {
    expect(() => tileText({ ...plain, ...wrong })).toThrow(RangeError);
    expect(() => tileText({ ...plain, ...wrong })).toThrow(/^tile tile6x8: .* There are 16;/);
  });
});
