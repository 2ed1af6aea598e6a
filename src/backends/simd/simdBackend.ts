import { MemoryBudgetError, UnsupportedBackendError } from '../../errors.ts';
import type { Backend, DeviceTensor, LinearWeight, NllState, NllSum, Scope } from '../backend.ts';
import { Arena } from './arena.ts';
import { kernelsDigest } from './kernels.generated.ts';
import { compileKernels, type KernelCompiler, type KernelVariant, type Lanes } from './kernels.ts';
import { measureLanes, type WidenVectors } from './lanes.ts';
import { CONTROL_BYTES } from './job.ts';
import { SimdDevice } from './simdDevice.ts';
import { attentionScratch, SimdScope } from './simdScope.ts';
import { rules, SimdNll, type SimdLinear, type SimdTensor } from './simdTensor.ts';
import { compileStatistics } from './statisticsKernels.ts';
import { ThreadPool, type SpawnWorker } from './threadPool.ts';
import type { WasmMemory } from './webAssembly.ts';

const PAGE = 65_536;
/** A WebAssembly memory of 32-bit addresses ends at 4 GiB. */
const MAX_PAGES = 65_536;
/** Floats of scratch a thread needs for the head: its tile of logits (assembly/nll.ts). */
const NLL_SCRATCH = 48 * 512;

/**
 * Relative errors of perplexities reach 2e-7 on the golden models and 3e-6 on SmolLM2-135M, but for
 * one candidate there, L1.mha, without which a perplexity of 29 becomes one of 957: 1.3e-5.
 */
export const SIMD_NOISE = 5e-6;

export interface SimdOptions {
  /** Bytes for weights and activations together; at most 4 GiB. */
  memoryBytes: number;
  /** Threads, the calling one included. More than one needs `spawn`. */
  threads: number;
  /** How workers are started; null where there are none. */
  spawn: SpawnWorker | null;
  /** Kernel variant to insist on; default: relaxed FMA where the engine has it. */
  variant?: KernelVariant;
  /**
   * How the engine is asked for 256-bit vectors; null where it cannot be. They are used if they
   * prove faster here.
   */
  widen?: WidenVectors | null;
  /** Lanes to insist on, without a measurement. The results are the same to the bit. */
  lanes?: Lanes;
}

/**
 * The WebAssembly SIMD backend: all ops of the contract as f32x4 kernels over one shared memory.
 * @throws UnsupportedBackendError where WebAssembly SIMD, the wanted variant or threads are
 * missing, MemoryBudgetError where the budget is too small to begin with or the system refuses the
 * memory.
 */
export async function simdBackend(options: SimdOptions): Promise<SimdBackend> {
  const { device, variant } = await openDevice(options, compileKernels);
  return new SimdBackend(device, variant, kernelsDigest);
}

/** Memory and threads with the kernels that `compile` gives. @throws as simdBackend. */
export async function openDevice(
  options: SimdOptions,
  compile: KernelCompiler,
): Promise<{ device: SimdDevice; variant: KernelVariant }> {
  // Before kernels are optimised: what the baseline compiler made of them until then is never
  // joined, and does not stay.
  const widened = options.lanes !== 4 && (options.widen?.() ?? false);
  const variant = options.variant ?? (compile('relaxed-fma') === null ? 'plain' : 'relaxed-fma');
  const module = compile(variant);
  if (module === null) {
    throw new UnsupportedBackendError(`this JavaScript engine has no WebAssembly SIMD (${variant}).`, {
      where: 'simd',
      remedy: 'Use --backend reference, or a newer engine.',
    });
  }
  const pages = Math.min(MAX_PAGES, Math.ceil((options.memoryBytes + CONTROL_BYTES) / PAGE));
  const memory = reserve(pages);
  const lanes = options.lanes ?? (widened ? measureLanes(module) : 4);
  const pool = await ThreadPool.start(
    [module, compileStatistics(variant)],
    memory,
    lanes,
    options.threads,
    options.spawn,
  );
  // The last address must stay below 2³², so that pointer arithmetic never wraps.
  const arena = new Arena(CONTROL_BYTES, Math.min(pages * PAGE, MAX_PAGES * PAGE - 64));
  return { device: new SimdDevice(arena, pool), variant };
}

function reserve(pages: number): WasmMemory {
  try {
    // The address range is reserved at once (the threads hold its buffer); the system backs pages
    // as they are touched.
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw new MemoryBudgetError(`cannot reserve ${Math.round((pages * PAGE) / 2 ** 20)} MiB.`, {
      where: 'simd',
      remedy: 'Lower --memory.',
      cause,
    });
  }
}

export class SimdBackend implements Backend {
  readonly name = 'simd' as const;
  readonly description: string;
  readonly variant: string;
  /** f32 lanes of the vectors that run. */
  readonly lanes: Lanes;
  /**
   * 1,365 rows of SmolLM2-135M. Few rows make short kernels, whose threads wait for each other, and
   * a last group of rows that is not full: streams of 128 tokens pass in 8/9 of the time when ten
   * are stacked, of 512 in 14/15 when two are.
   */
  readonly stackBytes: number = 2 ** 23;
  /** Three f64: the highest logit, the sum, the target's logit. */
  readonly nllRowBytes: number = 24;
  readonly perplexityNoise: number = SIMD_NOISE;
  protected readonly device: SimdDevice;

  /** @param digest which kernels the device runs. */
  constructor(device: SimdDevice, variant: KernelVariant, digest: string) {
    this.device = device;
    const { lanes, threads } = device.pool;
    this.lanes = lanes;
    this.variant = `simd ${variant}, kernels ${digest}`;
    this.description = `simd (${variant}, ${lanes} lanes, ${threads} ${threads === 1 ? 'thread' : 'threads'})`;
  }

  get capacityBytes(): number {
    return this.device.arena.capacity;
  }

  scratchBytes(keyLen: number, headDim: number): number {
    return this.device.pool.threads * 4 * Math.max(attentionScratch(keyLen, headDim), NLL_SCRATCH);
  }

  scope(): Scope {
    this.device.expectRunning();
    return new SimdScope(this.device);
  }

  packLinear(weight: Float32Array, outFeatures: number, inFeatures: number, bias: Float32Array | null): LinearWeight {
    rules.projection('packLinear', weight, [outFeatures, inFeatures], bias);
    return this.device.pack(weight, [outFeatures, inFeatures], bias, 'long');
  }

  freeLinear(weight: LinearWeight): void {
    this.device.releaseLinear(rules.ownLinear('freeLinear', weight));
  }

  store(data: Float32Array, rows: number, cols: number): DeviceTensor {
    rules.size('store', rows, cols, data.length);
    const handle = this.device.make(rows, cols, 'long');
    this.device.floats(handle.offset, data.length).set(data);
    return handle;
  }

  allocate(rows: number, cols: number): DeviceTensor {
    rules.size('allocate', rows, cols, rows * cols);
    const handle = this.device.make(rows, cols, 'long');
    this.device.floats(handle.offset, rows * cols).fill(0);
    return handle;
  }

  writeRows(target: DeviceTensor, at: number, source: DeviceTensor): void {
    this.device.expectRunning();
    const { to, from } = rules.writeRows(target, at, source);
    this.device.copy(to.offset + at * to.cols * 4, from.offset, from.rows * from.cols * 4);
  }

  free(x: DeviceTensor): void {
    this.device.release(rules.free(x));
  }

  nllTile(
    x: DeviceTensor,
    tile: LinearWeight,
    firstId: number,
    targets: Int32Array,
    state: NllState | null,
    sum: NllSum = 'f64',
  ): NllState {
    this.device.expectRunning();
    const { source, head, before } = rules.nllTile(x, tile, targets, state);
    const sums = before ?? this.#startNll(source.rows);
    try {
      this.#foldTile(sums, source, head, firstId, targets, sum);
    } catch (error) {
      if (state === null) this.device.arena.release(sums.state);
      throw error;
    }
    return sums;
  }

  finishNll(state: NllState): Promise<Float32Array> {
    this.device.expectRunning();
    const sums = rules.ownNll('finishNll', state);
    const values = new Float64Array(this.device.memory.buffer, sums.state.offset, sums.rows * 3);
    // lse − target = ln Σ e^(logit − max) + max − target
    const nll = Float32Array.from({ length: sums.rows }, (_, row) => {
      return Math.log(values[row * 3 + 1]) + values[row * 3] - values[row * 3 + 2];
    });
    sums.ended = true;
    this.device.arena.release(sums.state);
    return Promise.resolve(nll);
  }

  download(x: DeviceTensor): Promise<Float32Array> {
    this.device.expectRunning();
    const source = rules.own('download', x);
    return Promise.resolve(new Float32Array(this.device.floats(source.offset, source.rows * source.cols)));
  }

  bytesInUse(): number {
    return this.device.pool.running.failure === null ? this.device.arena.inUse : 0;
  }

  dispose(): Promise<void> {
    return this.device.pool.stop();
  }

  #foldTile(sums: SimdNll, x: SimdTensor, tile: SimdLinear, firstId: number, targets: Int32Array, sum: NllSum): void {
    const { arena, memory } = this.device;
    const ids = arena.allocate(targets.length * 4, 'short');
    try {
      new Int32Array(memory.buffer, ids.offset, targets.length).set(targets);
      const { inFeatures: k, outFeatures: n, panels, bias } = tile;
      const args = [sums.state.offset, x.offset, panels.offset, bias?.offset ?? 0, ids.offset, 0, k, n, firstId];
      args.push(sum === 'f32' ? 1 : 0);
      this.device.run('nllTile', args, {
        units: x.rows,
        align: 6,
        costPerUnit: k * n,
        scratchArgument: 5,
        scratchFloats: NLL_SCRATCH,
      });
    } finally {
      arena.release(ids);
    }
  }

  #startNll(rows: number): SimdNll {
    const state = this.device.arena.allocate(rows * this.nllRowBytes, 'short');
    this.device.runRows('nllReset', [state.offset], rows, 1);
    return new SimdNll(rows, state);
  }
}
