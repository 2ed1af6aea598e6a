import { finishNll, foldNllTile, startNll } from '../../ops/nll.ts';
import type { Backend, DeviceTensor, LinearWeight, NllState, NllSum, Scope } from '../backend.ts';
import { ReferenceMemory } from './referenceMemory.ts';
import { ReferenceScope } from './referenceScope.ts';
import { check, checkSize, own, ownLinear, ownNll, ReferenceLinear, ReferenceNll, shapeOf } from './referenceTensor.ts';

/** The backend that all others are compared with: the plain ops of src/ops on Float32Arrays, on the calling thread. */
export function referenceBackend(): Backend {
  return new ReferenceBackend();
}

class ReferenceBackend implements Backend {
  readonly name = 'reference' as const;
  readonly description = 'reference (f64 accumulation)';
  readonly variant = 'reference';
  readonly capacityBytes = Infinity;
  readonly #memory = new ReferenceMemory();

  scope(): Scope {
    return new ReferenceScope(this.#memory);
  }

  packLinear(weight: Float32Array, outFeatures: number, inFeatures: number, bias: Float32Array | null): LinearWeight {
    checkSize('packLinear', outFeatures, inFeatures, weight.length);
    if (bias !== null) checkSize('packLinear', 1, outFeatures, bias.length);
    // Copied, so that the caller's buffer may be used again.
    const packed = new ReferenceLinear(outFeatures, inFeatures, weight.slice(), bias?.slice() ?? null);
    this.#memory.bytes += packed.bytes;
    return packed;
  }

  freeLinear(weight: LinearWeight): void {
    const packed = ownLinear('freeLinear', weight);
    packed.freed = true;
    this.#memory.bytes -= packed.bytes;
  }

  store(data: Float32Array, rows: number, cols: number): DeviceTensor {
    checkSize('store', rows, cols, data.length);
    const handle = this.#memory.make(rows, cols);
    handle.data.set(data);
    return handle;
  }

  allocate(rows: number, cols: number): DeviceTensor {
    checkSize('allocate', rows, cols, rows * cols);
    return this.#memory.make(rows, cols);
  }

  writeRows(target: DeviceTensor, at: number, source: DeviceTensor): void {
    const to = own('writeRows', target);
    const from = own('writeRows', source);
    const fits = from.cols === to.cols && Number.isInteger(at) && at >= 0 && at + from.rows <= to.rows;
    check('writeRows', fits, `${shapeOf(from)} does not fit into ${shapeOf(to)} at row ${at}`);
    to.data.set(from.data, at * to.cols);
  }

  free(x: DeviceTensor): void {
    const handle = own('free', x);
    check(
      'free',
      !handle.scoped && !handle.isView,
      'only a stored or kept array can be freed; its scope frees this one',
    );
    this.#memory.release(handle);
  }

  nllTile(
    x: DeviceTensor,
    tile: LinearWeight,
    firstId: number,
    targets: Int32Array,
    state: NllState | null,
    sum: NllSum = 'f64',
  ): NllState {
    const source = own('nllTile', x);
    const { weight, bias, inFeatures, outFeatures } = ownLinear('nllTile', tile);
    const { rows } = source;
    const shapes = `x ${shapeOf(x)}, tile [${outFeatures}, ${inFeatures}] and ${targets.length} targets`;
    check('nllTile', source.cols === inFeatures && targets.length === rows, `${shapes} do not fit`);
    check('nllTile', state === null || state.rows === rows, `${shapes} do not fit a state of ${state?.rows ?? 0} rows`);
    const before = state === null ? null : ownNll('nllTile', state);
    const sums = before?.sums ?? startNll(rows);
    foldNllTile(sums, source.data, weight, bias, firstId, targets, rows, inFeatures, outFeatures, sum);
    const after = new ReferenceNll(rows, sums);
    if (before === null) this.#memory.bytes += after.bytes;
    else before.ended = true;
    return after;
  }

  finishNll(state: NllState): Promise<Float32Array> {
    const last = ownNll('finishNll', state);
    last.ended = true;
    this.#memory.bytes -= last.bytes;
    const out = new Float32Array(last.rows);
    finishNll(out, last.sums, last.rows);
    return Promise.resolve(out);
  }

  download(x: DeviceTensor): Promise<Float32Array> {
    return Promise.resolve(own('download', x).data.slice());
  }

  bytesInUse(): number {
    return this.#memory.bytes;
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
