/**
 * Writes the tiles of matrix products as AssemblyScript, unrolled: tiles.generated.ts, which
 * build.ts compiles.
 *
 * A tile computes a few rows of x times the columns of one or two panels. All its sums stay in
 * vector registers while it walks k. For each step of k it loads a row of each panel, two vectors;
 * then, row by row of the tile, one number of x, repeated in every lane of `a`, which multiplies
 * all of these:
 *
 *     b0 = v128.load(panel, 0);
 *     b1 = v128.load(panel, 16);
 *     a = v128.load32_splat(x0, 0);
 *     c00 = fma(a, b0, c00);
 *     c01 = fma(a, b1, c01);
 *     a = v128.load32_splat(x1, 0);
 *     c10 = fma(a, b0, c10);
 *     …
 *
 * So each sum c, named by its row and its vector, adds its products up in the order of k, whatever
 * the tile is like. Why this is text and not a loop: arrays of vectors do not live in registers,
 * and a loop over k costs instructions to count and to move on, which `unroll` steps share.
 */

/**
 * What a tile's numbers are: how x is repeated, what a sum begins from, how it grows; and bytes of
 * a number.
 */
const kinds = {
  f32: { bytes: 4, splat: 'v128.load32_splat', zero: 'f32x4.splat(0)', multiplyAdd: 'fma' },
  f64: { bytes: 8, splat: 'v128.load64_splat', zero: 'f64x2.splat(0)', multiplyAdd: 'multiplyAdd' },
} as const;

/** Bytes of a panel's row: two vectors. */
const PANEL_ROW = 32;

export interface Tile {
  name: string;
  /** What is special about it, for its doc comment. */
  about: string;
  numbers: keyof typeof kinds;
  /** Rows of x. */
  rows: number;
  /**
   * The fewest rows it is called with. Below `rows`, the last row is computed over again in the
   * place of those missing, which is faster than row by row; only the rows asked for are stored.
   */
  leastRows: number;
  /** The parameters that point to its panels. */
  panels: readonly string[];
  /**
   * Steps of k a turn. For `linear` eight: with four, counting and moving on are a tenth of the
   * instructions; sixteen, a twentieth faster, were not worth the text.
   */
  unroll: number;
  /**
   * Whether V8's revectorizer is to join the sums in pairs. It starts from a pair of stores and
   * needs the same steps in the same order behind both, down to the loads, and one constant that
   * the sums begin from. Where it does not, so many sums do not fit the registers, and the tile is
   * slow.
   */
  joined: boolean;
  /** The function that stores a row's sums, and what it takes beside these. */
  store: string;
  storeTakes: readonly Parameter[];
}

/** A parameter of a tile that is handed on to its `store`. */
type Parameter = 'bias' | 'columns' | 'added';
const types: Readonly<Record<Parameter, string>> = { bias: 'usize', columns: 'i32', added: 'bool' };

/**
 * The text of a tile's function.
 * @throws RangeError where the machine has not got so many registers, or a number is not whole.
 */
export function tileText(tile: Tile): string {
  checkTile(tile);
  const { name, about, rows, leastRows, panels, unroll } = tile;
  const some = leastRows < rows;
  const parameters = ['out: usize', 'outStride: usize', 'x: usize', 'xStride: usize'];
  parameters.push(...panels.map((panel) => `${panel}: usize`));
  if (tile.storeTakes.includes('bias')) parameters.push('bias: usize');
  parameters.push('k: i32');
  if (some) parameters.push('rows: i32');
  for (const name of tile.storeTakes) if (name !== 'bias') parameters.push(`${name}: ${types[name]}`);
  return `/** ${about} */
export function ${name}(
${indent(
  1,
  parameters.map((parameter) => `${parameter},`),
)}
): void {
${indent(1, [...begin(tile), 'let remaining = k;', ...turns(tile, unroll), ...turns(tile, 1), ...stores(tile)])}
}
`;
}

/** Pointers to the rows of x, the sums, and the vectors that a step of k loads. */
function begin(tile: Tile): string[] {
  const { rows, leastRows, joined } = tile;
  const row = (r: number): string => `x + ${r} * xStride`;
  const pointers = each(rows, (r) => {
    if (r === 0) return 'let x0 = x;';
    return `let x${r} = ${leastRows < rows ? `min(${row(r)}, lastRow)` : row(r)};`;
  });
  const zero = kinds[tile.numbers].zero;
  return [
    ...(leastRows < rows ? ['const lastRow = x + <usize>(rows - 1) * xStride;'] : []),
    ...pointers,
    ...(joined ? [`const zero = ${zero};`] : []),
    ...each(rows, (r) => sums(tile, r).map((sum) => `let ${sum} = ${joined ? 'zero' : zero};`)).flat(),
    ...each(vectors(tile), (v) => `let b${v}: v128;`),
    'let a: v128;',
  ];
}

/** The loop that takes `steps` of k a turn, as long as so many are left. */
function turns(tile: Tile, steps: number): string[] {
  const { bytes } = kinds[tile.numbers];
  return [
    steps === 1 ? 'while (remaining > 0) {' : `while (remaining >= ${steps}) {`,
    ...each(steps, (k) => indent(1, [...(steps === 1 ? [] : [`// k + ${k}`]), ...step(tile, k)])),
    indent(1, [
      ...each(tile.rows, (r) => `x${r} += ${steps * bytes};`),
      ...tile.panels.map((panel) => `${panel} += ${steps * PANEL_ROW};`),
      `remaining -= ${steps};`,
    ]),
    '}',
  ];
}

/** One step of k: the panels' row, and each row's number times all of it. */
function step(tile: Tile, k: number): string[] {
  const { bytes, splat, multiplyAdd } = kinds[tile.numbers];
  const loads = each(vectors(tile), (v) => {
    return `b${v} = v128.load(${tile.panels[v >> 1]}, ${k * PANEL_ROW + (v & 1) * 16});`;
  });
  const products = each(tile.rows, (r) => [
    `a = ${splat}(x${r}, ${k * bytes});`,
    ...sums(tile, r).map((sum, v) => `${sum} = ${multiplyAdd}(a, b${v}, ${sum});`),
  ]);
  return [...loads, ...products.flat()];
}

/** Stores the rows that were asked for. */
function stores(tile: Tile): string[] {
  return each(tile.rows, (r) => {
    const to = r === 0 ? 'out' : `out + ${r} * outStride`;
    const call = `${tile.store}(${[to, ...sums(tile, r), ...tile.storeTakes].join(', ')});`;
    return r < tile.leastRows ? call : `if (rows > ${r}) ${call}`;
  });
}

/** The names of a row's sums. */
function sums(tile: Tile, r: number): string[] {
  return each(vectors(tile), (v) => `c${r}${v}`);
}

function vectors({ panels }: Tile): number {
  return panels.length * 2;
}

/** Vector registers of x64 with AVX; joined vectors are half as many. */
const REGISTERS = 16;

function checkTile(tile: Tile): void {
  const { name, rows, leastRows, panels, unroll, joined } = tile;
  const whole = [rows, leastRows, unroll].every((n) => Number.isInteger(n) && n >= 1);
  const needed = (rows + 1) * (joined ? panels.length : vectors(tile)) + 1;
  if (whole && leastRows <= rows && panels.length >= 1 && needed <= REGISTERS && unroll <= 16) return;
  throw new RangeError(
    `tile ${name}: ${leastRows} … ${rows} rows of ${panels.length} panels, ${unroll} steps of k a turn, need ${needed} ` +
      `registers. There are ${REGISTERS}; rows, panels and steps are 1 at the least, steps 16 at the most.`,
  );
}

function each<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function indent(depth: number, lines: readonly string[]): string {
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) => '  '.repeat(depth) + line)
    .join('\n');
}

/**
 * The tiles of `linear`. Six rows, since 12 sums, two vectors of a panel and `a` fill the registers
 * of x64.
 */
export const linearTiles: readonly Tile[] = [
  {
    name: 'tile6x8',
    about: 'Up to six rows of a panel, eight columns. A single row is faster on its own (tile1x8 of linear.ts).',
    numbers: 'f32',
    rows: 6,
    leastRows: 2,
    panels: ['panel'],
    unroll: 8,
    joined: false,
    store: 'store8',
    storeTakes: ['bias', 'columns', 'added'],
  },
  {
    name: 'tile6x16',
    about: 'The same of two panels, for engines that join pairs of vectors into ones of eight lanes (linear.ts).',
    numbers: 'f32',
    rows: 6,
    leastRows: 1,
    panels: ['left', 'right'],
    unroll: 8,
    joined: true,
    store: 'store16',
    storeTakes: ['bias', 'added'],
  },
];

/** The tile of `gram`: sums of two f64 a vector. */
export const gramTiles: readonly Tile[] = [
  {
    name: 'tile6x4',
    about: 'Six rows of a panel, four columns, in f64.',
    numbers: 'f64',
    rows: 6,
    leastRows: 6,
    panels: ['panel'],
    unroll: 4,
    joined: false,
    store: 'storeDoubles',
    storeTakes: ['added'],
  },
];

const MADE = '// Made by `npm run build:kernels` from ./tileTemplate.ts. Do not edit.';

/** The generated sources, by the names of their files in this folder. */
export const generatedSources: Readonly<Record<string, string>> = {
  'linearTiles.generated.ts': `${MADE}
import { store16, store8 } from './stores';
import { fma } from './vector';

${linearTiles.map(tileText).join('\n')}`,
  'gramTiles.generated.ts': `${MADE}
import { multiplyAdd, storeDoubles } from './doubles';

${gramTiles.map(tileText).join('\n')}`,
};
