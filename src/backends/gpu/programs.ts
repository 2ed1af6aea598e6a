/** All kernels that a backend compiles, by name. */
import { mixProgram, rowHighestProgram, rowTotalProgram, scoresProgram, weightsProgram } from './kernels/attention.ts';
import {
  addProgram,
  columnsProgram,
  copyProgram,
  geluErfProgram,
  geluTanhProgram,
  overwriteProgram,
  stackProgram,
  swigluProgram,
  uploadProgram,
} from './kernels/elementwise.ts';
import type { Program } from './kernels/kernel.ts';
import { linearFourProgram, linearProgram } from './kernels/linear.ts';
import {
  findTargetProgram,
  foldSumsInOrderProgram,
  foldSumsProgram,
  joinPartsProgram,
  raiseHighestProgram,
} from './kernels/nll.ts';
import {
  centredSquaresProgram,
  layerNormProgram,
  rmsNormProgram,
  rowSquaresProgram,
  rowSumsProgram,
} from './kernels/norm.ts';
import { ropeProgram } from './kernels/rope.ts';
import {
  columnSquareRunsProgram,
  columnTotalsProgram,
  cosinesProgram,
  gramProgram,
  rowLargestProgram,
  scaledProductsProgram,
} from './kernels/statistics.ts';

export type ProgramName =
  | 'upload'
  | 'copy'
  | 'add'
  | 'columns'
  | 'overwrite'
  | 'stack'
  | 'swiglu'
  | 'geluTanh'
  | 'geluErf'
  | 'rowSums'
  | 'rowSquares'
  | 'centredSquares'
  | 'rmsNorm'
  | 'layerNorm'
  | 'linear'
  | 'linearFour'
  | 'rope'
  | 'scores'
  | 'rowHighest'
  | 'weights'
  | 'rowTotal'
  | 'mix'
  | 'raiseHighest'
  | 'foldSums'
  | 'foldSumsInOrder'
  | 'findTarget'
  | 'joinParts'
  | 'columnSquareRuns'
  | 'columnTotals'
  | 'gram'
  | 'rowLargest'
  | 'scaledProducts'
  | 'cosines';

export const programs: Readonly<Record<ProgramName, Program>> = {
  upload: uploadProgram,
  copy: copyProgram,
  add: addProgram,
  columns: columnsProgram,
  overwrite: overwriteProgram,
  stack: stackProgram,
  swiglu: swigluProgram,
  geluTanh: geluTanhProgram,
  geluErf: geluErfProgram,
  rowSums: rowSumsProgram,
  rowSquares: rowSquaresProgram,
  centredSquares: centredSquaresProgram,
  rmsNorm: rmsNormProgram,
  layerNorm: layerNormProgram,
  linear: linearProgram,
  linearFour: linearFourProgram,
  rope: ropeProgram,
  scores: scoresProgram,
  rowHighest: rowHighestProgram,
  weights: weightsProgram,
  rowTotal: rowTotalProgram,
  mix: mixProgram,
  raiseHighest: raiseHighestProgram,
  foldSums: foldSumsProgram,
  foldSumsInOrder: foldSumsInOrderProgram,
  findTarget: findTargetProgram,
  joinParts: joinPartsProgram,
  columnSquareRuns: columnSquareRunsProgram,
  columnTotals: columnTotalsProgram,
  gram: gramProgram,
  rowLargest: rowLargestProgram,
  scaledProducts: scaledProductsProgram,
  cosines: cosinesProgram,
};
