/** Every op of the backend contract as something that can be timed on any backend. */
import type { Backend, DeviceTensor, NllState, NllSum, Scope } from '../src/backends/backend.ts';
import { ropeTable } from '../src/ops/ropeTable.ts';
import { seededRng } from '../src/tensor/rng.ts';
import type { PeakName } from './peaks.ts';

export interface KernelCase {
  name: string;
  /** What one run does: billions of operations, or of bytes read and written. */
  amount: number;
  unit: 'GFLOP/s' | 'GB/s';
  /** What bounds it: arithmetic, or bytes in the last cache. */
  bound: 'arithmetic' | Extract<PeakName, 'copyCache'>;
  prepare: (backend: Backend) => { run: () => void; close: () => void };
}

/** A case whose result can be had, to be compared with another backend's. */
export interface OpCase extends KernelCase {
  prepare: (backend: Backend) => PreparedOp;
}

export interface PreparedOp {
  run: () => void;
  result: () => Promise<Float32Array>;
  close: () => void;
}

export interface Sizes {
  linear: readonly (readonly [rows: number, inFeatures: number, outFeatures: number])[];
  /** Keys of the attention of one sequence; queries as many. */
  keys: readonly number[];
  rows: number;
  hidden: number;
  intermediate: number;
  /** Ids of a tile of the head. */
  tile: number;
}

/** SmolLM2-135M's shapes at 512 rows; a projection of one token; the ladder's shape; and one that fills no tile. */
export const fullSizes: Sizes = {
  linear: [
    [512, 576, 1536],
    [512, 1536, 576],
    [128, 576, 576],
    [1, 576, 1536],
    [96, 576, 1536],
    [131, 577, 347],
  ],
  keys: [128, 512],
  rows: 512,
  hidden: 576,
  intermediate: 1536,
  tile: 4096,
};

/** For the reference, which takes its time. */
export const smallSizes: Sizes = {
  linear: [[16, 576, 1536]],
  keys: [64],
  rows: 32,
  hidden: 576,
  intermediate: 1536,
  tile: 256,
};

export const quickSizes: Sizes = {
  linear: [[48, 64, 96]],
  keys: [32],
  rows: 32,
  hidden: 64,
  intermediate: 96,
  tile: 64,
};

const [HEADS, KV_HEADS, HEAD_DIM] = [9, 3, 64];

/** Normal numbers from a table: the values do not matter as long as they are neither zero nor tiny. */
const table = Float32Array.from(
  { length: 4099 },
  (
    (rng) => () =>
      rng.normal()
  )(seededRng(1)),
);
export function values(length: number, scale = 1): Float32Array {
  return Float32Array.from({ length }, (_, index) => scale * table[index % table.length]);
}

export function kernelCases(sizes: Sizes): OpCase[] {
  const { rows, hidden, intermediate } = sizes;
  const elements = rows * intermediate;
  return [
    ...sizes.linear.map(([r, k, n]) => linearCase(r, k, n)),
    ...sizes.keys.map(attentionCase),
    nllCase(rows, hidden, sizes.tile, 'f64'),
    nllCase(rows, hidden, sizes.tile, 'f32'),
    moving(`rmsNorm ${rows}×${hidden}`, 2 * rows * hidden, (backend) => {
      const [x, gain] = [stored(backend, rows, hidden), stored(backend, 1, hidden)];
      return [[x, gain], (scope) => scope.rmsNorm(x, gain, 1e-5)];
    }),
    moving(`layerNorm ${rows}×${hidden}`, 2 * rows * hidden, (backend) => {
      const [x, gain, shift] = [stored(backend, rows, hidden), stored(backend, 1, hidden), stored(backend, 1, hidden)];
      return [[x, gain, shift], (scope) => scope.layerNorm(x, gain, shift, 1e-5)];
    }),
    moving(`rope ${rows}×${HEADS}×${HEAD_DIM}`, 2 * rows * HEADS * HEAD_DIM, (backend) => {
      const angles = ropeTable({ theta: 100_000, scaling: { type: 'default' } }, HEAD_DIM, rows);
      const cos = backend.store(angles.cos, rows, HEAD_DIM / 2);
      const sin = backend.store(angles.sin, rows, HEAD_DIM / 2);
      const x = stored(backend, rows, HEADS * HEAD_DIM);
      const spec = { heads: HEADS, headDim: HEAD_DIM, seqLen: rows, start: 0 };
      return [[x, cos, sin], (scope) => scope.rope(x, { cos, sin }, spec)];
    }),
    moving(`swiglu ${rows}×${intermediate}`, 3 * elements, (backend) => {
      const [gate, up] = [stored(backend, rows, intermediate), stored(backend, rows, intermediate)];
      return [[gate, up], (scope) => scope.swiglu(gate, up)];
    }),
    ...(['tanh', 'erf'] as const).map((kind) =>
      moving(`gelu ${kind} ${rows}×${intermediate}`, 2 * elements, (backend) => {
        const x = stored(backend, rows, intermediate);
        return [[x], (scope) => scope.gelu(x, kind)];
      }),
    ),
    moving(`add ${rows}×${intermediate}`, 3 * elements, (backend) => {
      const [x, y] = [stored(backend, rows, intermediate), stored(backend, rows, intermediate)];
      return [[x, y], (scope) => scope.add(x, y)];
    }),
    gramCase(rows, hidden),
    moving(`columnSquares ${rows}×${intermediate}`, elements, (backend) => {
      const x = stored(backend, rows, intermediate);
      return [[x], (scope) => scope.columnSquares(x)];
    }),
    moving(`rowCosines ${rows}×${hidden}`, 2 * rows * hidden, (backend) => {
      const [x, y] = [stored(backend, rows, hidden), stored(backend, rows, hidden)];
      return [[x, y], (scope) => scope.rowCosines(x, y)];
    }),
  ];
}

/**
 * Half of the products: the result is symmetric. Sums are f64, two in a vector where `linear` has
 * four.
 */
function gramCase(rows: number, cols: number): OpCase {
  return {
    name: `gram ${rows}×${cols}`,
    amount: (rows * cols * (cols + 1)) / 1e9,
    unit: 'GFLOP/s',
    bound: 'arithmetic',
    prepare(backend) {
      const x = stored(backend, rows, cols);
      return { ...scoped(backend, (scope) => scope.gram(x)), close: () => backend.free(x) };
    },
  };
}

export function linearCase(rows: number, k: number, n: number): OpCase {
  return {
    name: `linear ${rows}×${k}×${n}`,
    amount: (2 * rows * k * n) / 1e9,
    unit: 'GFLOP/s',
    bound: 'arithmetic',
    prepare(backend) {
      const x = stored(backend, rows, k);
      const w = backend.packLinear(values(n * k, 0.05), n, k, values(n));
      return {
        ...scoped(backend, (scope) => scope.linear(x, w)),
        close: () => (backend.free(x), backend.freeLinear(w)),
      };
    },
  };
}

function attentionCase(keys: number): OpCase {
  const spec = { numHeads: HEADS, numKvHeads: KV_HEADS, headDim: HEAD_DIM, seqLen: keys, keyLen: keys, window: null };
  // Each of T(T + 1)/2 pairs of query and key: a product for its score, and one with its value.
  const amount = (HEADS * 4 * HEAD_DIM * ((keys * (keys + 1)) / 2)) / 1e9;
  const prepare: OpCase['prepare'] = (backend) => {
    const q = stored(backend, keys, HEADS * HEAD_DIM);
    const [k, v] = [stored(backend, keys, KV_HEADS * HEAD_DIM), stored(backend, keys, KV_HEADS * HEAD_DIM)];
    const op = scoped(backend, (scope) => scope.attention(q, k, v, spec));
    return { ...op, close: () => [q, k, v].forEach((x) => backend.free(x)) };
  };
  return {
    name: `attention ${HEADS}/${KV_HEADS} heads, ${keys} keys`,
    amount,
    unit: 'GFLOP/s',
    bound: 'arithmetic',
    prepare,
  };
}

/** The products alone are counted; the exponentials come on top. */
function nllCase(rows: number, k: number, n: number, sum: NllSum): OpCase {
  const prepare: OpCase['prepare'] = (backend) => {
    const x = stored(backend, rows, k);
    const tile = backend.packLinear(values(n * k, 0.05), n, k, null);
    const targets = Int32Array.from({ length: rows }, (_, row) => row % n);
    let state: NllState = backend.nllTile(x, tile, 0, targets, null, sum);
    return {
      run: () => void (state = backend.nllTile(x, tile, 0, targets, state, sum)),
      result: () => backend.finishNll(backend.nllTile(x, tile, 0, targets, null, sum)),
      close() {
        void backend.finishNll(state);
        backend.free(x);
        backend.freeLinear(tile);
      },
    };
  };
  return {
    name: `nllTile ${sum} ${rows}×${k}×${n}`,
    amount: (2 * rows * k * n) / 1e9,
    unit: 'GFLOP/s',
    bound: 'arithmetic',
    prepare,
  };
}

/** An op that is bounded by the `floats` it reads and writes. */
function moving(
  name: string,
  floats: number,
  make: (backend: Backend) => [DeviceTensor[], (scope: Scope) => DeviceTensor],
): OpCase {
  return {
    name,
    amount: (4 * floats) / 1e9,
    unit: 'GB/s',
    bound: 'copyCache',
    prepare(backend) {
      const [inputs, op] = make(backend);
      return { ...scoped(backend, op), close: () => inputs.forEach((x) => backend.free(x)) };
    },
  };
}

function stored(backend: Backend, rows: number, cols: number): DeviceTensor {
  return backend.store(values(rows * cols), rows, cols);
}

/** The op as the model calls it: with a scope, whose memory is given back. */
function scoped(backend: Backend, op: (scope: Scope) => DeviceTensor): Pick<PreparedOp, 'run' | 'result'> {
  return {
    run() {
      const scope = backend.scope();
      op(scope);
      scope.close();
    },
    async result() {
      const scope = backend.scope();
      const found = await backend.download(op(scope));
      scope.close();
      return found;
    },
  };
}
