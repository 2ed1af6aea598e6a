import type { Floats } from '../../ops/floats.ts';
import { finishNll, foldNllTile, startNll } from '../../ops/nll.ts';
import type { DeviceTensor, LinearWeight, NllState, NllSum } from '../backend.ts';
import type { GradientBackend, GradientScope } from '../gradients.ts';
import { ReferenceGradientScope } from './referenceGradientScope.ts';
import { ReferenceMemory, type ReferencePrecision } from './referenceMemory.ts';
import { NLL_ROW_BYTES, ReferenceLinear, ReferenceNll, rules } from './referenceTensor.ts';

/**
 * The backend that all others are compared with: the plain ops of src/ops and their backwards, on
 * the calling thread.
 * @param precision what arrays hold. Under f64, of which only gradient checks have use, results are
 * read with `read`.
 */
export function referenceBackend(precision: ReferencePrecision = 'f32'): ReferenceBackend {
  return new ReferenceBackend(precision);
}

export class ReferenceBackend implements GradientBackend {
  readonly name = 'reference' as const;
  readonly description: string;
  readonly variant: string;
  readonly capacityBytes: number = Infinity;
  readonly stackBytes: number = 0;
  readonly nllRowBytes: number = NLL_ROW_BYTES;
  /** The largest relative error over all candidates of the golden models, rounded up. */
  readonly perplexityNoise: number = 1e-7;
  readonly #memory: ReferenceMemory;

  constructor(precision: ReferencePrecision) {
    this.#memory = new ReferenceMemory(precision);
    this.description = precision === 'f32' ? 'reference (f64 accumulation)' : 'reference (f64)';
    this.variant = precision === 'f32' ? 'reference' : 'reference f64';
  }

  /** What ops of src/ops allocate is the engine's own, and not counted. */
  scratchBytes(): number {
    return 0;
  }

  scope(): GradientScope {
    this.#memory.running.expect();
    return new ReferenceGradientScope(this.#memory);
  }

  packLinear(weight: Float32Array, outFeatures: number, inFeatures: number, bias: Float32Array | null): LinearWeight {
    this.#memory.running.expect();
    rules.projection('packLinear', weight, [outFeatures, inFeatures], bias);
    // Copied, so that the caller's buffer may be used again.
    const packed = new ReferenceLinear(outFeatures, inFeatures, weight.slice(), bias?.slice() ?? null);
    this.#memory.bytes += packed.bytes;
    return packed;
  }

  freeLinear(weight: LinearWeight): void {
    const packed = rules.ownLinear('freeLinear', weight);
    packed.freed = true;
    this.#memory.bytes -= packed.bytes;
  }

  store(data: Float32Array, rows: number, cols: number): DeviceTensor {
    rules.size('store', rows, cols, data.length);
    const handle = this.#memory.make(rows, cols);
    handle.data.set(data);
    return handle;
  }

  allocate(rows: number, cols: number): DeviceTensor {
    rules.size('allocate', rows, cols, rows * cols);
    return this.#memory.make(rows, cols);
  }

  writeRows(target: DeviceTensor, at: number, source: DeviceTensor): void {
    this.#memory.running.expect();
    const { to, from } = rules.writeRows(target, at, source);
    to.data.set(from.data, at * to.cols);
  }

  free(x: DeviceTensor): void {
    const handle = rules.free(x);
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
    this.#memory.running.expect();
    const { source, head, before } = rules.nllTile(x, tile, targets, state);
    const { weight, bias, inFeatures, outFeatures } = head;
    const { rows } = source;
    const sums = before?.sums ?? startNll(rows);
    foldNllTile(sums, source.data, weight, bias, firstId, targets, rows, inFeatures, outFeatures, sum);
    const after = new ReferenceNll(rows, sums);
    if (before === null) this.#memory.bytes += after.bytes;
    else before.ended = true;
    return after;
  }

  finishNll(state: NllState): Promise<Float32Array> {
    this.#memory.running.expect();
    const last = rules.ownNll('finishNll', state);
    last.ended = true;
    this.#memory.bytes -= last.bytes;
    const out = new Float32Array(last.rows);
    finishNll(out, last.sums, last.rows);
    return Promise.resolve(out);
  }

  download(x: DeviceTensor): Promise<Float32Array> {
    this.#memory.running.expect();
    return Promise.resolve(new Float32Array(rules.own('download', x).data));
  }

  /** A copy in the precision the array has. */
  read(x: DeviceTensor): Floats {
    this.#memory.running.expect();
    return rules.own('read', x).data.slice();
  }

  bytesInUse(): number {
    return this.#memory.running.failure === null ? this.#memory.bytes : 0;
  }

  dispose(): Promise<void> {
    return this.#memory.running.end(() => Promise.resolve());
  }
}
