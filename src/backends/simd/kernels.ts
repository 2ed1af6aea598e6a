import { MemoryBudgetError } from '../../errors.ts';
import { plainKernels, relaxedKernels } from './kernels.generated.ts';
import type { WasmExports, WasmMemory, WasmModule } from './webAssembly.ts';

/** A kernel: pointers and sizes as numbers; the last two are the range of units to work on. */
export type Kernel = (...args: number[]) => void;

/** The kernels of inference by the names under which src/backends/simd/assembly exports them. */
export const kernelNames = [
  'linear',
  'rmsNorm',
  'layerNorm',
  'add',
  'swiglu',
  'geluTanh',
  'geluErf',
  'rope',
  'attention',
  'nllTile',
  'nllReset',
] as const;

/** The kernels of the statistics ops, from a module of their own (statisticsKernels.ts). */
export const statisticsKernelNames = ['columnSquares', 'rowCosines', 'gramPack', 'gramCut', 'gramRound'] as const;

/** Those only the module for training has (gradientKernels.ts). */
export const gradientKernelNames = [
  'packCuts',
  'linearBackwardWeight',
  'columnSums',
  'addCuts',
  'rmsNormBackward',
  'layerNormBackward',
  'ropeBackward',
  'attentionBackward',
  'swigluBackward',
  'geluTanhBackward',
  'geluErfBackward',
  'scale',
  'gatherRows',
  'scatterRows',
  'placeColumns',
  'crossEntropy',
] as const;

export type KernelName =
  (typeof kernelNames)[number] | (typeof statisticsKernelNames)[number] | (typeof gradientKernelNames)[number];

const allNames: readonly KernelName[] = [...kernelNames, ...statisticsKernelNames, ...gradientKernelNames];

/** A kernel's id in a thread's job: its index among instantiateKernels' result. */
export function kernelId(name: KernelName): number {
  return allNames.indexOf(name);
}

/** Which arithmetic a kernel variant uses; part of every result and of the journal's hash. */
export type KernelVariant = 'relaxed-fma' | 'plain';

/**
 * f32 lanes of the machine's vectors that the tile of `linear` is made for: WebAssembly's 4, or 8
 * where the engine joins two of them (lanes.ts). The results are the same to the bit.
 */
export type Lanes = 4 | 8;

/** Compiles a variant of the kernels for inference: see kernelCompiler. */
export const compileKernels: KernelCompiler = /* @__PURE__ */ kernelCompiler({
  'relaxed-fma': relaxedKernels,
  plain: plainKernels,
});

/** The shortest module there is: the format's magic number and its version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/**
 * What keeps WebAssembly as a whole from running here, or null. Some engines have none of it
 * (Safari in Lockdown Mode, --jitless), and a page's Content Security Policy may forbid to compile
 * what the engine calls valid.
 */
export function webAssemblyObstacle(): string | null {
  if (typeof WebAssembly === 'undefined') return 'this JavaScript engine has no WebAssembly';
  try {
    void new WebAssembly.Module(EMPTY_MODULE);
    return null;
  } catch {
    return "the page's Content Security Policy forbids WebAssembly ('wasm-unsafe-eval' in script-src allows it)";
  }
}

/**
 * Asks the system for addresses: a memory, or an instance over one.
 * @throws MemoryBudgetError where it gives none.
 */
export function withAddresses<T>(what: string, ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new MemoryBudgetError(`the system gives no memory for ${what}.`, {
      where: 'simd',
      remedy: 'Lower --memory or --threads, close other programs, or use --backend reference.',
      cause,
    });
  }
}

/**
 * Compiles a variant, once, or returns null where the engine does not know its instructions, or
 * does not fuse what it calls a relaxed multiply-add: the same variant must round alike everywhere.
 */
export type KernelCompiler = (variant: KernelVariant) => WasmModule | null;

/** @param binaries each variant's module in base64. */
export function kernelCompiler(binaries: Readonly<Record<KernelVariant, string>>): KernelCompiler {
  const compiled = new Map<KernelVariant, WasmModule | null>();
  return (variant) => {
    let module = compiled.get(variant);
    if (module === undefined) {
      if (webAssemblyObstacle() !== null) return null;
      const bytes = decodeBase64(binaries[variant]);
      module = WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
      if (module !== null && variant === 'relaxed-fma' && !fuses(module)) module = null;
      compiled.set(variant, module);
    }
    return module;
  };
}

/**
 * Whether a·b + c is rounded once (x64 with FMA3, arm64) or twice (older x64), as the relaxed
 * instruction leaves open: (1 + 2⁻¹²)² − (1 + 2⁻¹¹) is 2⁻²⁴ when fused and 0 when the square is
 * rounded first.
 */
export function fuses(module: WasmModule): boolean {
  const memory = probeMemory();
  const linear = instantiateKernels([module], memory)[kernelId('linear')];
  const [out, x, panel] = [0, 64, 128];
  const floats = new Float32Array(memory.buffer);
  floats.set([-1, 1 + 2 ** -12], x / 4);
  floats[panel / 4] = 1 + 2 ** -11;
  floats[panel / 4 + 8] = 1 + 2 ** -12;
  linear(out, 1, x, 2, panel, 0, 2, 1, 0, 1);
  return floats[0] !== 0;
}

/** 64 KiB each; what lanes.ts lays out. */
const PROBE_PAGES = 2;
let probe: WasmMemory | null = null;

/**
 * The memory to try kernels on, filled with zeros. There is one, and its maximum is its size: a
 * shared memory reserves addresses up to its maximum, some engines gigabytes beyond it, and small
 * devices soon refuse that.
 */
export function probeMemory(): WasmMemory {
  probe ??= withAddresses('a probe of the kernels', () => {
    return new WebAssembly.Memory({ initial: PROBE_PAGES, maximum: PROBE_PAGES, shared: true });
  });
  new Uint8Array(probe.buffer).fill(0);
  return probe;
}

/**
 * The kernels over `memory` that the modules have, by id, as every thread instantiates them for
 * itself. The others throw when they are called.
 */
export function instantiateKernels(modules: readonly WasmModule[], memory: WasmMemory, lanes: Lanes = 4): Kernel[] {
  const exported: WasmExports = Object.assign({}, ...modules.map((module) => instantiate(module, memory)));
  (exported.lanes as WebAssembly.Global).value = lanes;
  return allNames.map((name) => (exported[name] as Kernel | undefined) ?? missing(name));
}

function missing(name: KernelName): Kernel {
  return () => {
    throw new Error(`simd: the kernel ${name} is in none of the modules that run`);
  };
}

/** A module's exports over `memory`. */
export function instantiate(module: WasmModule, memory: WasmMemory): WasmExports {
  const env = { memory: memory as WebAssembly.Memory, exp: Math.exp, hostExp: Math.exp, hostLog: Math.log };
  return withAddresses('the kernels', () => new WebAssembly.Instance(module as WebAssembly.Module, { env })).exports;
}

/** A committed module's bytes. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
