/** Faults in the sums over activations. */
import type { Mutant } from './mutant.ts';

const cosines = { file: 'src/ops/rowCosines.ts', specs: ['spec/ops/rowCosines.spec.ts'] };
const gram = { file: 'src/ops/gram.ts', specs: ['spec/ops/gram.spec.ts'] };
const kernels = { file: 'src/backends/simd/assembly/statistics.ts', specs: ['spec/contract/simd.spec.ts'] };
const scope = { file: 'src/backends/simd/simdStatistics.ts', specs: ['spec/contract/simd.spec.ts'] };
const shader = { file: 'src/backends/gpu/kernels/statistics.ts', specs: ['spec/contract/gpu.spec.ts'] };

export const statisticsMutants: readonly Mutant[] = [
  { ...cosines, name: 'two rows of zeros are at right angles', from: 'xx === yy ? 1 : 0', to: '0' },
  {
    ...cosines,
    name: 'a NaN beside zeros is a right angle',
    from: 'if (squares === 0)',
    to: 'if (xx === 0 || yy === 0)',
  },
  {
    ...cosines,
    name: 'the cosine’s root is taken of each sum: equal rows are not at 1',
    from: 'xy / Math.sqrt(squares)',
    to: 'xy / Math.sqrt(xx) / Math.sqrt(yy + 1e-6)',
  },
  { ...gram, name: 'the Gram matrix is not mirrored', from: 'out[j * cols + i] = sums[j];', to: '' },
  {
    file: 'src/ops/columnSquares.ts',
    specs: ['spec/ops/columnSquares.spec.ts'],
    name: 'column squares are added up in f32',
    from: 'new Float64Array(cols)',
    to: 'new Float32Array(cols)',
  },
  {
    ...kernels,
    name: 'SIMD gram: a tile on the diagonal counts as left of it',
    from: 'row < groupEnd && row < column + 4',
    to: 'row < groupEnd && row <= column',
  },
  {
    ...kernels,
    name: 'SIMD gram is not mirrored at the diagonal',
    from: 'column < row ? column * width + row : row * width + column',
    to: 'row * width + column',
  },
  {
    ...kernels,
    name: 'SIMD rowCosines forget the last numbers of a row',
    from: 'xy += a * b;',
    to: '',
  },
  {
    ...scope,
    name: 'SIMD gram: each cut of rows replaces the one before',
    from: 'from > 0 ? 1 : 0',
    to: '0',
  },
  {
    ...shader,
    name: 'GPU rowCosines are not scaled: squares leave f32',
    from: '    xScale = Math.max(xScale, xLargest[this.thread.y * parts + part]);\n',
    to: '',
  },
  {
    ...shader,
    name: 'GPU gram takes rows beyond the last run’s end',
    from: 'if (run * 64 + i < rows) {',
    to: 'if (run * 64 + i <= rows) {',
  },
];
