import type { NllSum } from '../backend.ts';
import { NllHandle, Rules } from '../handles.ts';
import type { GpuBuffer, GpuDevice } from './gpuDevice.ts';
import { GpuLinear, GpuTensor } from './gpuTensor.ts';
import { project } from './linear.ts';

/** Strided sums that a row of logits is added up in. */
const PARTS = 16;

/** Highest logits and sums in parts, and the target's logit. */
export const NLL_ROW_BYTES: number = 4 * (2 * PARTS + 1);

/** Rows whose logits stand at a time: 32 MiB for a tile of 4,096 ids. */
const ROWS = 2048;

/** Below any logit: WGSL has no infinity. */
const LOWEST = -3e38;

/** What some rows remember of the vocabulary seen so far: kernels/nll.ts has the shapes. */
interface RowSums {
  readonly highest: GpuBuffer;
  readonly sums: GpuBuffer;
  readonly found: GpuBuffer;
}

/**
 * Running log-sum-exp of rows. The sums stay on the device; which targets have been met is known on
 * the host.
 */
export class GpuNll extends NllHandle {
  readonly sum: NllSum;
  /** `ROWS` rows each. */
  readonly pieces: readonly RowSums[];
  /** Rows whose target one of the tiles held. */
  readonly met: Uint8Array;

  constructor(rows: number, sum: NllSum, pieces: readonly RowSums[], met: Uint8Array) {
    super(rows);
    this.sum = sum;
    this.pieces = pieces;
    this.met = met;
  }
}

export const rules: Rules<GpuTensor, GpuLinear, GpuNll> = new Rules('gpu', GpuTensor, GpuLinear, GpuNll);

/** A state that has seen nothing. */
export function startNll(device: GpuDevice, rows: number, sum: NllSum): GpuNll {
  const filled = (size: number, cols: number, value: number): GpuBuffer =>
    device.hold(device.upload(new Float32Array(size * cols).fill(value), size, cols));
  const parts = partsOf(sum);
  const pieces = ranges(rows).map(([from, to]) => ({
    highest: filled(to - from, parts, LOWEST),
    sums: filled(to - from, parts, 0),
    found: filled(to - from, 1, 0),
  }));
  return new GpuNll(rows, sum, pieces, new Uint8Array(rows));
}

/** Folds the tile of ids firstId … firstId + outFeatures − 1 in; ends `state`. */
export function foldNll(
  device: GpuDevice,
  state: GpuNll,
  x: GpuTensor,
  tile: GpuLinear,
  firstId: number,
  targets: Int32Array,
): GpuNll {
  const n = tile.outFeatures;
  const parts = partsOf(state.sum);
  const pieces = ranges(state.rows).map(([from, to], index) => {
    const rows = to - from;
    const before = state.pieces[index];
    const logits = project(device, x, tile, from, to);
    const ids = device.upload(Float32Array.from(targets.subarray(from, to)), rows, 1);
    const highest = device.run('raiseHighest', rows, parts, [logits, before.highest, n, parts]);
    const folded = [logits, before.highest, before.sums, highest, n];
    const sums =
      state.sum === 'f64'
        ? device.run('foldSums', rows, parts, [...folded, parts])
        : device.run('foldSumsInOrder', rows, 1, folded);
    const found = device.run('findTarget', rows, 1, [logits, ids, before.found, n, firstId]);
    for (const buffer of [logits, ids]) device.discard(buffer);
    release(device, before);
    return { highest: device.hold(highest), sums: device.hold(sums), found: device.hold(found) };
  });
  state.ended = true;
  const met = state.met.map((seen, row) => (targets[row] >= firstId && targets[row] < firstId + n ? 1 : seen));
  return new GpuNll(state.rows, state.sum, pieces, met);
}

/** lse − target logit, [rows], NaN where no tile held the target. Ends `state`. */
export async function finishNll(device: GpuDevice, state: GpuNll): Promise<Float32Array> {
  state.ended = true;
  const out = new Float32Array(state.rows);
  const reads = ranges(state.rows).map(async ([from, to], index) => {
    const piece = state.pieces[index];
    const joined = device.run('joinParts', to - from, 3, [piece.highest, piece.sums, piece.found, partsOf(state.sum)]);
    const read = device.read(joined);
    release(device, piece);
    device.discard(joined);
    const values = await read;
    for (let row = from; row < to; row++) {
      const [highest, sum, target] = values.subarray((row - from) * 3);
      out[row] = state.met[row] === 1 ? nats(highest, sum, target) : NaN;
    }
  });
  await Promise.all(reads);
  return out;
}

/**
 * ln sum + highest − target, also where both of these have left f32's range; NaN where all logits
 * lie below it.
 */
function nats(highest: number, sum: number, target: number): number {
  const above = highest === target ? 0 : highest - target;
  return sum > 0 ? Math.log(sum) + above : NaN;
}

function partsOf(sum: NllSum): number {
  return sum === 'f64' ? PARTS : 1;
}

function ranges(rows: number): [from: number, to: number][] {
  return Array.from({ length: Math.ceil(rows / ROWS) }, (_, piece) => [
    piece * ROWS,
    Math.min(rows, (piece + 1) * ROWS),
  ]);
}

function release(device: GpuDevice, { highest, sums, found }: RowSums): void {
  for (const buffer of [highest, sums, found]) device.release(buffer);
}
