import type { Backend, DeviceTensor, LinearWeight, NllState, NllSum, Scope } from '../backend.ts';
import { GpuDevice } from './gpuDevice.ts';
import { GPU_JS_VERSION, loadGpuJs } from './gpuJs.ts';
import type { GpuMode } from './gpuMode.ts';
import { expectSupported } from './gpuPath.ts';
import { finishNll, foldNll, NLL_ROW_BYTES, rules, startNll } from './gpuNll.ts';
import { GpuScope } from './gpuScope.ts';
import { GpuLinear, GpuTensor } from './gpuTensor.ts';
import { transposed } from './linear.ts';
import { webGlAdapter } from './webGl.ts';
import { acquireDevice, nameAdapter, releaseDevice, type Adapter } from './webGpu.ts';

/**
 * A result of this size occupies any GPU many times over. It is also as large as results may get
 * everywhere: half of WebGPU's smallest storage buffer (128 MiB), and the smallest WebGL2 texture,
 * 2,048² texels of four numbers.
 */
const STACK_BYTES = 2 ** 26;

export interface GpuOptions {
  /** How gpu.js is to run; nothing else runs instead. */
  mode: GpuMode;
  /**
   * Bytes that all handles together may hold. On top of it come at most some 100 MiB of scores or
   * logits while an op runs.
   */
  memoryBytes?: number;
}

/** A backend with the adapter it runs on, where that is known. */
export interface GpuBackend extends Backend {
  readonly mode: GpuMode;
  readonly adapter: Adapter | null;
}

/**
 * The ops as gpu.js kernels; weights and activations stay on the device. In webgpu mode
 * `navigator.gpu` must be there before this is called for the first time.
 * @throws UnsupportedBackendError naming mode, reason and remedy where the mode cannot run here.
 */
export async function gpuBackend({ mode, memoryBytes = Infinity }: GpuOptions): Promise<GpuBackend> {
  const gpuJs = await loadGpuJs();
  expectSupported(gpuJs, mode);
  if (mode !== 'webgpu') {
    const device = await GpuDevice.open(gpuJs, mode, memoryBytes, null);
    return new GpuJsBackend(device, webGlAdapter(gpuJs, mode));
  }
  let device: GpuDevice | null = null;
  const onError = (reason: Error): void => device?.fail(reason);
  const context = await acquireDevice(gpuJs, onError);
  try {
    const opened = await GpuDevice.open(gpuJs, mode, memoryBytes, () => context.device.queue.onSubmittedWorkDone());
    device = opened;
    return new GpuJsBackend(opened, nameAdapter(context.adapter.info), () => releaseDevice(gpuJs, onError));
  } catch (error) {
    await releaseDevice(gpuJs, onError);
    throw error;
  }
}

class GpuJsBackend implements GpuBackend {
  readonly name = 'gpu' as const;
  readonly description: string;
  readonly variant: string;
  readonly capacityBytes: number;
  readonly stackBytes: number;
  readonly nllRowBytes: number = NLL_ROW_BYTES;
  /**
   * Errors reach 1.8e-7 on the golden models on a software adapter; what a real GPU's exp and fused
   * operations add is not measured yet (spec/golden/gpu.spec.ts).
   */
  readonly perplexityNoise: number = 1e-5;
  readonly mode: GpuMode;
  readonly adapter: Adapter | null;
  readonly #device: GpuDevice;
  readonly #close: (() => Promise<void>) | undefined;

  constructor(device: GpuDevice, adapter: Adapter | null, close?: () => Promise<void>) {
    const where = adapter === null ? device.mode : `${device.mode}, ${adapter.name}`;
    this.description = `gpu (${where})`;
    this.variant = `gpu (gpu.js ${GPU_JS_VERSION}, ${where})`;
    this.capacityBytes = device.capacityBytes;
    // On the processor a call costs little, and webasm would compile a module for every new height.
    this.stackBytes = device.mode === 'cpu' || device.mode === 'webasm' ? 0 : STACK_BYTES;
    this.mode = device.mode;
    this.adapter = adapter;
    this.#device = device;
    this.#close = close;
  }

  /** Buffers that do not outlive their op are not counted. */
  scratchBytes(): number {
    return 0;
  }

  scope(): Scope {
    this.#device.expectRunning();
    return new GpuScope(this.#device);
  }

  packLinear(weight: Float32Array, outFeatures: number, inFeatures: number, bias: Float32Array | null): LinearWeight {
    this.#device.expectRunning();
    rules.projection('packLinear', weight, [outFeatures, inFeatures], bias);
    const packed = this.#device.upload(transposed(weight, outFeatures, inFeatures, bias), inFeatures + 1, outFeatures);
    return new GpuLinear(outFeatures, inFeatures, this.#device.hold(packed));
  }

  freeLinear(weight: LinearWeight): void {
    const linear = rules.ownLinear('freeLinear', weight);
    linear.freed = true;
    this.#device.release(linear.packed);
  }

  store(data: Float32Array, rows: number, cols: number): DeviceTensor {
    rules.size('store', rows, cols, data.length);
    return new GpuTensor(rows, cols, this.#device.hold(this.#device.upload(data, rows, cols)));
  }

  allocate(rows: number, cols: number): DeviceTensor {
    rules.size('allocate', rows, cols, rows * cols);
    return this.store(new Float32Array(rows * cols), rows, cols);
  }

  writeRows(target: DeviceTensor, at: number, source: DeviceTensor): void {
    this.#device.expectRunning();
    const { to, from } = rules.writeRows(target, at, source);
    // No kernel can write into memory that is there: the whole array is made anew, and its handle
    // and views see that.
    const { owner } = to;
    const first = to.at + at * to.cols;
    const args = [owner.buffer, from.buffer, from.at, owner.cols, first, first + from.length];
    const written = this.#device.run('overwrite', owner.rows, owner.cols, args);
    this.#device.discard(owner.replace(written));
  }

  free(x: DeviceTensor): void {
    const handle = rules.free(x);
    handle.freed = true;
    this.#device.release(handle.buffer);
  }

  nllTile(
    x: DeviceTensor,
    tile: LinearWeight,
    firstId: number,
    targets: Int32Array,
    state: NllState | null,
    sum: NllSum = 'f64',
  ): NllState {
    this.#device.expectRunning();
    const { source, head, before } = rules.nllTile(x, tile, targets, state);
    const kept = before?.sum ?? sum;
    rules.check('nllTile', kept === sum, () => `the sum is kept in ${kept}, not in ${sum}`);
    return foldNll(this.#device, before ?? startNll(this.#device, source.rows, sum), source, head, firstId, targets);
  }

  async finishNll(state: NllState): Promise<Float32Array> {
    this.#device.expectRunning();
    return finishNll(this.#device, rules.ownNll('finishNll', state));
  }

  download(x: DeviceTensor): Promise<Float32Array> {
    this.#device.expectRunning();
    const handle = rules.own('download', x);
    if (!handle.isView) return this.#device.read(handle.buffer);
    const copy = this.#device.run('copy', handle.rows, handle.cols, [handle.buffer, handle.at, handle.cols]);
    const read = this.#device.read(copy);
    this.#device.discard(copy);
    return read;
  }

  bytesInUse(): number {
    return this.#device.running.failure === null ? this.#device.bytes : 0;
  }

  dispose(): Promise<void> {
    return this.#device.dispose(this.#close);
  }
}
