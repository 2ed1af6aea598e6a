import { MemoryBudgetError } from '../../errors.ts';
import { Running } from '../running.ts';
import { CommandQueue } from './commandQueue.ts';
import type {
  BufferResult,
  Gpu,
  GpuJs,
  HostInput,
  Kernel,
  KernelArgument,
  KernelData,
  KernelResult,
  Resident,
} from './gpuJs.ts';
import { compileProgram, expectMode } from './compileProgram.ts';
import type { GpuMode } from './gpuMode.ts';
import type { ArgumentKind, Program } from './kernels/kernel.ts';
import { programs, type ProgramName } from './programs.ts';
import { deviceError } from './webGpu.ts';

/**
 * Bytes of results after which the queue waits for the GPU: what was freed is only given back when
 * the GPU is past it.
 */
const IN_FLIGHT_BYTES = 2 ** 29;

/** Device memory. Its content is there once the commands before have run. */
export class GpuBuffer {
  readonly length: number;
  content: HostInput | Resident | null = null;

  constructor(length: number) {
    this.length = length;
  }

  get bytes(): number {
    return this.length * 4;
  }
}

/**
 * Compiles and runs the kernels of one backend and counts the memory that they were asked to hold.
 */
export class GpuDevice {
  readonly mode: GpuMode;
  readonly capacityBytes: number;
  readonly running: Running = new Running('gpu');
  bytes = 0;
  readonly #gpuJs: GpuJs;
  readonly #gpu: Gpu;
  readonly #kernels: ReadonlyMap<ProgramName, Kernel>;
  readonly #queue = new CommandQueue();
  /** Waits until the GPU has done what was submitted; null where calls run at once. */
  readonly #finish: (() => Promise<unknown>) | null;
  #inFlight = 0;

  private constructor(
    gpuJs: GpuJs,
    gpu: Gpu,
    kernels: ReadonlyMap<ProgramName, Kernel>,
    mode: GpuMode,
    capacityBytes: number,
    finish: (() => Promise<unknown>) | null,
  ) {
    this.#gpuJs = gpuJs;
    this.#gpu = gpu;
    this.#kernels = kernels;
    this.mode = mode;
    this.capacityBytes = capacityBytes;
    this.#finish = finish;
  }

  /**
   * Compiles all kernels.
   * @throws UnsupportedBackendError when another mode would run than the one asked for.
   */
  static async open(
    gpuJs: GpuJs,
    mode: GpuMode,
    capacityBytes: number,
    finish: (() => Promise<unknown>) | null,
  ): Promise<GpuDevice> {
    const gpu = new gpuJs.GPU({ mode });
    try {
      const kernels = new Map<ProgramName, Kernel>();
      const upload = await compileProgram(gpuJs, gpu, programs.upload, mode);
      kernels.set('upload', upload);
      // What lies on the device already, for the others to be tried on.
      const resident = await upload(gpuJs.input(new Float32Array(16), [16]), 0, 1);
      for (const name of Object.keys(programs) as ProgramName[]) {
        // Kernels of four numbers a thread are WebGPU's only (linear.ts).
        const program = programs[name];
        if (name === 'upload' || (program.width !== undefined && mode !== 'webgpu')) continue;
        kernels.set(name, await compileProgram(gpuJs, gpu, program, mode, resident));
      }
      if ('delete' in resident) resident.delete();
      return new GpuDevice(gpuJs, gpu, kernels, mode, capacityBytes, finish);
    } catch (error) {
      await gpu.destroy();
      throw error;
    }
  }

  /**
   * Counts a buffer that a handle is to hold. @throws MemoryBudgetError when the budget is used up.
   */
  hold(buffer: GpuBuffer): GpuBuffer {
    if (this.bytes + buffer.bytes > this.capacityBytes) {
      const [more, used, all] = [buffer.bytes, this.bytes, this.capacityBytes].map((n) => Math.ceil(n / 2 ** 20));
      this.discard(buffer);
      throw new MemoryBudgetError(`${more} MiB more do not fit: ${used} of ${all} MiB are in use.`, {
        remedy: 'Raise --memory, or lower --chunk.',
      });
    }
    this.bytes += buffer.bytes;
    return buffer;
  }

  /** Gives back a buffer that was held. */
  release(buffer: GpuBuffer): void {
    this.bytes -= buffer.bytes;
    this.discard(buffer);
  }

  /** Gives back a buffer that was never counted: one that does not outlive its op. */
  discard(buffer: GpuBuffer): void {
    this.#queue.push(() => {
      if (buffer.content !== null && 'delete' in buffer.content) buffer.content.delete();
      buffer.content = null;
    });
  }

  /** Copies host data [rows, cols] to the device. */
  upload(data: Float32Array, rows: number, cols: number): GpuBuffer {
    return this.#submit('upload', rows, cols, [this.#gpuJs.input(data.slice(), [data.length]), 0, cols]);
  }

  /**
   * Runs a kernel for a result [rows, cols]. Buffers among the arguments are read when its turn
   * comes.
   */
  run(name: ProgramName, rows: number, cols: number, args: readonly (GpuBuffer | number)[]): GpuBuffer {
    return this.#submit(name, rows, cols, args);
  }

  /** A buffer's content on the host, in an array of the caller's own. */
  async read(buffer: GpuBuffer): Promise<Float32Array> {
    let pending: KernelData | Promise<KernelData> | null = null;
    this.#queue.push(() => {
      const content = contentOf(buffer);
      // Only begun here: it reads what is there now, and need not hold up what comes after it.
      if (typeof content !== 'number') pending = 'value' in content ? content.value : content.toArray();
    });
    try {
      await this.#queue.settled();
      const data = await this.#queue.unlessFailed<KernelData | null>(pending);
      if (data === null || this.#queue.failure !== null) throw this.#queue.failure;
      return flat(data, buffer.length);
    } catch (error) {
      throw asError(error);
    }
  }

  /** Ends the device's work with this error: every later read throws it. */
  fail(reason: Error): void {
    this.#queue.fail(reason);
  }

  /** @throws why the device takes no work any more: DisposedError after `dispose`. */
  expectRunning(): void {
    this.running.expect();
    if (this.#queue.failure !== null) throw asError(this.#queue.failure);
  }

  /** Ends the device and what waits for it, then calls `close`. */
  dispose(close: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    return this.running.end(async () => {
      this.fail(this.running.failure ?? new Error('gpu: disposed'));
      await this.#gpu.destroy();
      await close();
    });
  }

  #submit(name: ProgramName, rows: number, cols: number, args: readonly (GpuBuffer | HostInput | number)[]): GpuBuffer {
    this.expectRunning();
    const out = new GpuBuffer(rows * cols);
    const kernel = this.#kernels.get(name);
    if (kernel === undefined) throw new Error(`gpu: no kernel ${name}`);
    const program: Program = programs[name];
    checkArguments(name, program, args);
    const columns = cols / (program.width ?? 1);
    this.#queue.push(() => {
      kernel.setOutput([columns, rows]);
      const result = kernel(...args.map(contentOf));
      expectMode(this.#gpuJs, kernel, this.mode);
      if (!(result instanceof Promise)) out.content = this.#hostResult(result, out.length);
      else return result.then((resident) => this.#deviceResult(out, resident));
    });
    return out;
  }

  #hostResult(result: KernelResult, length: number): HostInput | Resident {
    return 'delete' in result ? result : this.#gpuJs.input(flat(result, length), [length]);
  }

  async #deviceResult(out: GpuBuffer, result: KernelResult): Promise<void> {
    const { buffer, context, kernel } = result as BufferResult;
    // Seen as a flat row of single numbers: gpu.js would not take a result of four numbers a thread
    // as an argument, though its memory is laid out just so.
    const settings = { buffer, context, kernel, componentCount: 1, output: [out.length] };
    out.content = new this.#gpuJs.WebGPUBufferResult(settings);
    (result as BufferResult).delete();
    this.#inFlight += out.bytes;
    if (this.#finish === null || this.#inFlight < IN_FLIGHT_BYTES) return;
    this.#inFlight = 0;
    await this.#finish();
  }
}

/** @throws Error where a call and its kernel's parameters have parted: a fault of ours. */
function checkArguments(name: string, { takes }: Program, args: readonly (GpuBuffer | HostInput | number)[]): void {
  const fits = (kind: ArgumentKind, index: number): boolean => {
    const argument = args[index];
    if (kind === 'integer') return Number.isInteger(argument);
    if (kind === 'float') return typeof argument === 'number';
    return argument instanceof GpuBuffer === (kind === 'array') && typeof argument === 'object';
  };
  if (takes.length === args.length && takes.every(fits)) return;
  throw new Error(
    `gpu: ${name} takes ${takes.join(', ')} and was called with ${args.length} arguments, or other kinds`,
  );
}

function contentOf(argument: GpuBuffer | HostInput | number): KernelArgument {
  if (!(argument instanceof GpuBuffer)) return argument;
  if (argument.content === null) throw new Error('gpu: a buffer was used before it was written, or after it was freed');
  return argument.content;
}

function flat(data: KernelData, length: number): Float32Array {
  if (data instanceof Float32Array) return data.slice();
  const out = new Float32Array(length);
  let at = 0;
  for (const row of data) {
    out.set(row, at);
    at += row.length;
  }
  return out;
}

function asError(reason: unknown): Error {
  if (!(reason instanceof Error)) return new Error(String(reason));
  return deviceError(reason.message, reason);
}
