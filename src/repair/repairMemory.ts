/** What a repair needs of memory, beside what any walk of the model needs. */
import { walkOf } from '../model/walk.ts';
import { largestPiece } from '../model/weightPieces.ts';
import type { WeightSource } from '../model/weights.ts';
import { fitShapeOf } from './branchSums.ts';
import type { RepairScope } from './cuts.ts';
import { fitWidth } from './normalEquations.ts';
import { unitChunks } from './units.ts';

/** A workload of the session that repairs: parts of `Workload` in `src/session`. */
export interface RepairWorkload {
  readonly chunk: number;
  readonly streams: number;
  /** Rows that pass a block together: a unit of the text. */
  readonly rows: number;
  /** On the backend: a Gram matrix of a unit's rows, and the block with its new weights. */
  readonly deviceBytes: number;
  /** On the host: sums, the fit, and one unit's rows. */
  readonly hostBytes: number;
  /** On the host, where there is room: both streams of the text. */
  readonly streamBytes: number;
}

/**
 * What a repair of any mask can do with, in chunks of `chunk` tokens.
 * @param tokens of the whole text; Infinity where nobody knows yet.
 */
export function repairWorkload(source: WeightSource, chunk: number, tokens: number): RepairWorkload {
  const { config } = source;
  const rows = chunk * unitChunks(chunk);
  let deviceBytes = 0;
  let hostBytes = 0;
  for (const block of walkOf(config)) {
    const shape = fitShapeOf(source, block);
    const { inputs, outputs } = shape;
    const width = fitWidth(shape);
    // `Statistics.gram`: its result and sums, a cut of the rows, and the rows themselves.
    deviceBytes = Math.max(deviceBytes, 4 * (3 * width * width + 512 * width + rows * width));
    // Two sets of sums; a factor and its work, a solution and what it is made of.
    const fit = 8 * (4 * inputs * inputs + 6 * inputs * outputs);
    const unit = 4 * (rows * (inputs + 3 * outputs + width) + width * width);
    hostBytes = Math.max(hostBytes, fit + unit);
  }
  return {
    chunk,
    streams: 1,
    rows,
    deviceBytes: deviceBytes + largestPiece(source).bytes,
    hostBytes,
    streamBytes: 2 * 4 * tokens * config.hiddenSize,
  };
}

/** The most that the fitted tensors of a repair take, as F32. */
export function fittedBytes(source: WeightSource, scope: RepairScope): number {
  const sizes = walkOf(source.config).map((block) => {
    const { inputs, outputs, bias } = fitShapeOf(source, block);
    return 4 * outputs * (inputs + (bias ? 1 : 0));
  });
  // A cut is of one removed block or more, before which one kept block is fitted.
  const most = scope === 'cuts' ? Math.floor(sizes.length / 2) : sizes.length;
  const largest = sizes.toSorted((a, b) => b - a).slice(0, most);
  return largest.reduce((sum, size) => sum + size, 0);
}
