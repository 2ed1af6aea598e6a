/** How many chunks a sweep carries at once, and how many of its streams pass a block together. */
import { MemoryBudgetError } from '../../errors.ts';
import { footprint, streamBytes, walkBytes } from '../../model/footprint.ts';
import type { Backend } from '../../backends/backend.ts';
import type { ModelConfig } from '../../model/config.ts';
import { bundleSize } from './bundles.ts';
import type { PortionSize } from './sweep.ts';

/** What decides how much memory rows take: the model's shape, and the backend's own needs. */
export interface Shape {
  readonly config: ModelConfig;
  readonly backend: Pick<Backend, 'stackBytes' | 'nllRowBytes'>;
}

/**
 * Chunks of `chunk` tokens that a sweep of `candidates` streams can carry at once.
 * @throws MemoryBudgetError when not even one fits.
 */
export function planGroup(model: Shape, chunk: number, candidates: number, activationBytes: number): number {
  const perChunk = chunkBytes(model, chunk, candidates);
  const chunks = Math.floor(activationBytes / perChunk);
  if (chunks < 1) {
    const mebibytes = Math.ceil(perChunk / 2 ** 20);
    throw new MemoryBudgetError(
      `${candidates + 2} streams of a chunk of ${chunk} tokens take ${mebibytes} MiB, and there are ${Math.floor(activationBytes / 2 ** 20)} MiB for activations.`,
      { remedy: 'Give more memory, or take shorter chunks.' },
    );
  }
  return chunks;
}

/**
 * How many streams of `chunks` chunks may pass a block together (bundles.ts), where `planGroup`
 * gave room for `groupSize` chunks: as many as the backend wants stacked, and as the chunks that
 * are not there leave room for. A full group has rows enough without, so no more memory is ever
 * asked for; short of it, bundles are smaller, down to one stream.
 */
export function planBundle(model: Shape, chunk: number, candidates: number, groupSize: number, chunks: number): number {
  const { config, backend } = model;
  const rows = chunks * chunk;
  const room = groupSize * chunkBytes(model, chunk, candidates) - rows * streamBytes(config, candidates + 1);
  const fitting = Math.floor(room / (rows * footprint(config).bytesPerRow));
  return Math.max(1, Math.min(fitting, bundleSize(config, rows, backend.stackBytes)));
}

/**
 * How many forks walk to the end together, so that what a killed walk loses is little: bundle by
 * bundle where all weights stay at hand. Where they do not, each portion reads them again from its
 * first block on: a portion then has rows enough for the reading to be little beside the computing.
 * @param rows of a stream.
 * @param fit whether all weights are in memory at once.
 */
export function planPortion(rows: number, bundle: number, fit: boolean): PortionSize {
  if (fit) return { streams: bundle, headRows: 0 };
  return { streams: Math.max(bundle, Math.ceil(PORTION_ROWS / rows)), headRows: PORTION_ROWS / 2 };
}

/**
 * Reading a weight takes as long as computing with it for some 150 rows (f16 from a disk cache, two
 * cores); so many rows make that a fiftieth.
 */
const PORTION_ROWS = 8192;

/** Bytes of one chunk's streams, a fork for each candidate and the unpruned one, as they walk. */
export function chunkBytes({ config, backend }: Shape, chunk: number, candidates: number): number {
  return chunk * walkBytes(config, candidates + 1, backend.nllRowBytes);
}
