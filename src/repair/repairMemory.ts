/** What a repair needs of memory, beside what any walk of the model needs. */
import type { ModelConfig } from '../model/config.ts';
import { walkOf } from '../model/walk.ts';
import { largestPiece } from '../model/weightPieces.ts';
import type { WeightSource } from '../model/weights.ts';
import { fitShapeOf } from './branchSums.ts';
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
  /** On the host: sums, the fit, and one unit's rows. Streams that are kept come on top. */
  readonly hostBytes: number;
}

/** The least that a repair of any mask can do with, in chunks of so many tokens. */
export function repairWorkload(source: WeightSource, chunk: number): RepairWorkload {
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
  return { chunk, streams: 1, rows, deviceBytes: deviceBytes + largestPiece(source).bytes, hostBytes };
}

/** Bytes of both streams of a text, where all of them are kept. */
export function streamsBytes({ hiddenSize }: ModelConfig, tokens: number): number {
  return 2 * 4 * tokens * hiddenSize;
}
