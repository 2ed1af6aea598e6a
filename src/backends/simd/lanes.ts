import { instantiateKernels, kernelId, probeMemory, type Kernel, type Lanes } from './kernels.ts';
import type { WasmModule } from './webAssembly.ts';

/**
 * Asks the engine to join pairs of 128-bit operations into 256-bit ones where it compiles
 * WebAssembly from now on; false where it cannot. Node's is platform/nodeVectors.ts; a page cannot
 * ask.
 */
export type WidenVectors = () => boolean;

/** A product that fits the first caches: x [24, 256] times 64 columns. */
const [ROWS, K, COLUMNS] = [24, 256, 64];
const PANELS = ROWS * K * 4;
const OUT = PANELS + COLUMNS * K * 4;
const OUT_FLOATS = ROWS * COLUMNS;

/**
 * Operations a second that the optimising compiler's code exceeds on any processor with AVX2 (seen:
 * 18 … 85e9), and the baseline compiler's does not (2e9).
 */
const OPTIMISED = 8e9;
/** Rounds in which both tiles ran optimised. */
const ROUNDS = 20;
/** Milliseconds to wait for that; it takes a few, more where all processors are busy. */
const PATIENCE = 2_000;
/** Joined vectors take 0.55 of the time, unjoined ones, which spill, 2.3 times as long. */
const CLEARLY = 0.85;

const measured = new WeakMap<WasmModule, Lanes>();

/**
 * Which tile of `linear` is faster on this engine and processor: whether vectors are joined cannot
 * be asked, only seen from the time. Takes a few milliseconds, once a module. Eight lanes are taken
 * only if they also gave the bits of four.
 */
export function measureLanes(module: WasmModule): Lanes {
  let lanes = measured.get(module);
  if (lanes === undefined) {
    lanes = compare(module);
    measured.set(module, lanes);
  }
  return lanes;
}

function compare(module: WasmModule): Lanes {
  const memory = probeMemory();
  new Float32Array(memory.buffer, 0, OUT / 4).forEach((_, index, floats) => (floats[index] = Math.sin(index)));
  const four = new Contender(instantiateKernels([module], memory, 4)[kernelId('linear')], OUT);
  const eight = new Contender(instantiateKernels([module], memory, 8)[kernelId('linear')], OUT + OUT_FLOATS * 4);
  const end = performance.now() + PATIENCE;
  for (let rounds = 0; rounds < ROUNDS && performance.now() < end;) {
    four.run();
    eight.run();
    if (four.optimised && eight.optimised) rounds++;
  }
  const [expected, found] = [four, eight].map(({ out }) => new Int32Array(memory.buffer, out, OUT_FLOATS));
  const same = expected.every((bits, index) => bits === found[index]);
  const optimised = four.optimised && eight.optimised;
  return same && optimised && eight.best < CLEARLY * four.best ? 8 : 4;
}

/** One tile and the least time it took. */
class Contender {
  readonly out: number;
  best: number = Infinity;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, out: number) {
    this.#kernel = kernel;
    this.out = out;
  }

  get optimised(): boolean {
    return (2 * ROWS * K * COLUMNS) / this.best > OPTIMISED / 1000;
  }

  run(): void {
    const begin = performance.now();
    this.#kernel(this.out, COLUMNS, 0, K, PANELS, 0, K, COLUMNS, 0, ROWS);
    this.best = Math.min(this.best, performance.now() - begin);
  }
}
