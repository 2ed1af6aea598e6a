/** Cases of the statistics ops: makers, named edges, and draws around them. */
import { fc } from '@fast-check/vitest';
import { seededRng } from '../../src/tensor/rng.ts';
import { drawArray, flavours, seeds, sizes, someFlavour } from '../arbitraries.ts';
import type { HostArray, OpCase } from './opCase.ts';
import type { Draw } from './opCases.ts';
import { columnSquaresOracle, gramOracle, rowCosinesOracle } from './statisticsOracles.ts';

interface Shape {
  rows: number;
  cols: number;
}

export function columnSquaresCase({ rows, cols }: Shape, { seed, flavour }: Draw): OpCase {
  const x = drawArray(seededRng(seed), rows * cols, flavour);
  return {
    name: `columnSquares [${rows}, ${cols}], ${flavour}`,
    kind: 'reduction',
    // The squares of tiny numbers are below f32's range.
    wellConditioned: flavour !== 'tiny',
    arrays: [whole(x, rows, cols)],
    linears: [],
    run: (scope, [input]) => scope.columnSquares(input),
    oracle: () => columnSquaresOracle(x, rows, cols),
  };
}

/**
 * `cancelling`: every other column changes its sign from row to row, so that its products with the
 * others cancel.
 */
export function gramCase({ rows, cols }: Shape, { seed, flavour }: Draw): OpCase {
  const drawn = drawArray(seededRng(seed), rows * cols, flavour);
  const flips = (index: number): boolean => (index % cols) % 2 === 1 && Math.floor(index / cols) % 2 === 1;
  const x = drawn.map((value, index) => (flavour === 'cancelling' && flips(index) ? -Math.abs(value) : value));
  return {
    name: `gram [${rows}, ${cols}], ${flavour}`,
    kind: 'reduction',
    wellConditioned: flavour !== 'tiny',
    arrays: [whole(x, rows, cols)],
    linears: [],
    run: (scope, [input]) => scope.gram(input),
    oracle: () => gramOracle(x, rows, cols),
  };
}

/**
 * y is x with so much `noise` on top, as a block's output is its input: 0 gives cosines of 1,
 * Infinity y alone.
 */
export function rowCosinesCase({ rows, cols, noise }: Shape & { noise: number }, { seed, flavour }: Draw): OpCase {
  const rng = seededRng(seed);
  const x = drawArray(rng, rows * cols, flavour);
  const other = drawArray(rng, rows * cols, flavour);
  const y = noise === Infinity ? other : x.map((value, index) => value + noise * other[index]);
  return {
    name: `rowCosines [${rows}, ${cols}], noise ${noise}, ${flavour}`,
    kind: 'reduction',
    // Right angles have nothing but the terms that cancel.
    wellConditioned: noise < 1,
    arrays: [x, y].map((data) => ({ data, rows, cols, unitRows: 1 })),
    linears: [],
    run: (scope, [first, second]) => scope.rowCosines(first, second),
    oracle: () => rowCosinesOracle(x, y, cols),
  };
}

/** Rows that all go into each number of the result. */
function whole(data: Float32Array, rows: number, cols: number): HostArray {
  return { data, rows, cols, unitRows: rows };
}

const normal: Draw = { seed: 31, flavour: 'normal' };

/**
 * Edges: single rows and columns, and one row more or less than kernels take at a time (64, 128).
 */
export const namedStatisticsCases: readonly OpCase[] = [
  ...[1, 63, 64, 65, 128, 129, 257].flatMap((rows) => [
    columnSquaresCase({ rows, cols: 9 }, { seed: 32, flavour: 'outliers' }),
    gramCase({ rows, cols: 13 }, { seed: 33, flavour: 'outliers' }),
  ]),
  columnSquaresCase({ rows: 5, cols: 1 }, normal),
  ...[1, 4, 6, 11, 12, 23, 24, 25, 49].map((cols) => gramCase({ rows: 7, cols }, normal)),
  ...flavours.flatMap((flavour) => [
    columnSquaresCase({ rows: 70, cols: 35 }, { seed: 34, flavour }),
    gramCase({ rows: 70, cols: 35 }, { seed: 35, flavour }),
    rowCosinesCase({ rows: 3, cols: 67, noise: 1e-2 }, { seed: 36, flavour }),
    rowCosinesCase({ rows: 3, cols: 67, noise: Infinity }, { seed: 37, flavour }),
  ]),
  rowCosinesCase({ rows: 4, cols: 1, noise: Infinity }, normal),
  rowCosinesCase({ rows: 2, cols: 1031, noise: 1e-3 }, normal),
];

/** With enough work for threads, at sizes that no number of threads divides. */
export const tallStatisticsCases: readonly OpCase[] = [
  columnSquaresCase({ rows: 811, cols: 517 }, { seed: 41, flavour: 'outliers' }),
  gramCase({ rows: 301, cols: 131 }, { seed: 42, flavour: 'outliers' }),
  rowCosinesCase({ rows: 509, cols: 517, noise: 1e-2 }, { seed: 43, flavour: 'outliers' }),
];

const heights = fc.oneof({ weight: 3, arbitrary: sizes }, fc.constantFrom(63, 127, 128, 129, 200));
const draw: fc.Arbitrary<Draw> = fc.record({ seed: seeds, flavour: someFlavour });

export const drawnStatisticsCases: Readonly<Record<string, fc.Arbitrary<OpCase>>> = {
  columnSquares: fc.tuple(fc.record({ rows: heights, cols: sizes }), draw).map((some) => columnSquaresCase(...some)),
  gram: fc.tuple(fc.record({ rows: heights, cols: sizes }), draw).map((some) => gramCase(...some)),
  rowCosines: fc
    .tuple(fc.record({ rows: sizes, cols: sizes, noise: fc.constantFrom(0, 1e-4, 0.1, Infinity) }), draw)
    .map((some) => rowCosinesCase(...some)),
};
