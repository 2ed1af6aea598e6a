import type { Backend, DeviceTensor, LinearWeight, NllState, NllSum, Scope } from '../backend.ts';
import { GpuDevice } from './gpuDevice.ts';
import { GPU_JS_VERSION, loadGpuJs } from './gpuJs.ts';
import type { GpuMode } from './gpuMode.ts';
import { expectSupported } from './gpuPath.ts';
import { NLL_ROW_BYTES, finishNll, foldNll, ownNll, startNll } from './gpuNll.ts';
import { GpuScope } from './gpuScope.ts';
import { check, checkSize, GpuLinear, GpuTensor, own, ownLinear, shapeOf } from './gpuTensor.ts';
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
    checkSize('packLinear', outFeatures, inFeatures, weight.length);
    if (bias !== null) checkSize('packLinear', 1, outFeatures, bias.length);
    const packed = this.#device.upload(transposed(weight, outFeatures, inFeatures, bias), inFeatures + 1, outFeatures);
    return new GpuLinear(outFeatures, inFeatures, this.#device.hold(packed));
  }

  freeLinear(weight: LinearWeight): void {
    const linear = ownLinear('freeLinear', weight);
    linear.freed = true;
    this.#device.release(linear.packed);
  }

  store(data: Float32Array, rows: number, cols: number): DeviceTensor {
    checkSize('store', rows, cols, data.length);
    return new GpuTensor(rows, cols, this.#device.hold(this.#device.upload(data, rows, cols)));
  }

  allocate(rows: number, cols: number): DeviceTensor {
    checkSize('allocate', rows, cols, rows * cols);
    return this.store(new Float32Array(rows * cols), rows, cols);
  }

  writeRows(target: DeviceTensor, at: number, source: DeviceTensor): void {
    this.#device.expectRunning();
    const to = own('writeRows', target);
    const from = own('writeRows', source);
    const fits = from.cols === to.cols && Number.isInteger(at) && at >= 0 && at + from.rows <= to.rows;
    check('writeRows', fits, `${shapeOf(from)} does not fit into ${shapeOf(to)} at row ${at}`);
    // No kernel can write into memory that is there: the whole array is made anew, and its handle
    // and views see that.
    const { owner } = to;
    const first = to.at + at * to.cols;
    const args = [owner.buffer, from.buffer, from.at, owner.cols, first, first + from.length];
    const written = this.#device.run('overwrite', owner.rows, owner.cols, args);
    this.#device.discard(owner.replace(written));
  }

  free(x: DeviceTensor): void {
    const handle = own('free', x);
    check(
      'free',
      !handle.scoped && !handle.isView,
      'only a stored or kept array can be freed; its scope frees this one',
    );
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
    const source = own('nllTile', x);
    const head = ownLinear('nllTile', tile);
    const shapes = `x ${shapeOf(x)}, tile [${head.outFeatures}, ${head.inFeatures}] and ${targets.length} targets`;
    check('nllTile', source.cols === head.inFeatures && targets.length === source.rows, `${shapes} do not fit`);
    const rows = state?.rows ?? source.rows;
    check('nllTile', rows === source.rows, `${shapes} do not fit a state of ${rows} rows`);
    const before = state === null ? startNll(this.#device, rows, sum) : ownNll('nllTile', state);
    check('nllTile', before.sum === sum, `the sum is kept in ${before.sum}, not in ${sum}`);
    return foldNll(this.#device, before, source, head, firstId, targets);
  }

  async finishNll(state: NllState): Promise<Float32Array> {
    this.#device.expectRunning();
    return finishNll(this.#device, ownNll('finishNll', state));
  }

  download(x: DeviceTensor): Promise<Float32Array> {
    this.#device.expectRunning();
    const handle = own('download', x);
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
