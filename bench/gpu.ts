/**
 * `npm run bench:gpu`: CPU against GPU. The ops at growing sizes and where a GPU begins to win; a matrix product by gpu.js and
 * by hand on the same device, and what a call of gpu.js costs; tokens a second and a search step of a whole model.
 *
 * Whatever this machine lacks is left out and named. Real sizes are for a real GPU: a software adapter, which says nothing
 * about one, gets small ones.
 */
import type { Pace } from './batch.ts';
import { endToEndRows, type EndToEnd } from './gpuEndToEnd.ts';
import { openGpuBench } from './gpuBench.ts';
import { callRows } from './gpuCalls.ts';
import { engineChoices, isYardstick, openEngine, type Choice, type Engine } from './gpuEngines.ts';
import { ladderRows, shaders, type Shape } from './gpuLadder.ts';
import { opRows, type OpSizes } from './gpuOps.ts';
import { benchOptions } from './options.ts';
import { shapes } from './randomGguf.ts';
import type { Row } from './document.ts';
import { record } from './results.ts';

const MIB = 2 ** 20;

/** The rows at which ops are timed, as far as an engine gets within `longest` milliseconds a call. */
const opSizes: OpSizes = {
  rows: [4, 16, 64, 256, 1024, 4096],
  hidden: 576,
  intermediate: 1536,
  tile: 4096,
  longest: 500,
};
const quickOpSizes: OpSizes = { rows: [4, 16], hidden: 64, intermediate: 96, tile: 64, longest: 30 };

/** SmolLM2's two large products, and one that fills a GPU. */
const gpuShapes: readonly Shape[] = [
  [1024, 576, 1536],
  [1024, 1536, 576],
  [4096, 2048, 2048],
];
const softwareShapes: readonly Shape[] = [[128, 256, 256]];
/** No whole number of tiles. */
const quickShapes: readonly Shape[] = [[70, 20, 36]];

const smol: EndToEnd = {
  label: "SmolLM2-135M's shape",
  shape: shapes.smollm2,
  chunks: 4,
  length: 256,
  rounds: [5, 1],
  weightBytes: 1024 * MIB,
  memoryBytes: 2048 * MIB,
};
const small: EndToEnd = {
  label: 'a small model',
  shape: { ...shapes.smollm2, layers: 4, hidden: 128, intermediate: 384, heads: 4, kvHeads: 2, vocab: 2048 },
  chunks: 2,
  length: 32,
  rounds: [3, 1],
  weightBytes: 32 * MIB,
  memoryBytes: 128 * MIB,
};
const tiny: EndToEnd = {
  label: 'a tiny model',
  shape: { ...shapes.smollm2, layers: 2, hidden: 32, intermediate: 64, heads: 2, kvHeads: 1, vocab: 96 },
  chunks: 1,
  length: 12,
  rounds: [2, 2],
  weightBytes: 8 * MIB,
  memoryBytes: 32 * MIB,
};

const options = benchOptions();
const { quick } = options;
const pace: Pace = quick ? { turn: 2, rounds: 2, warm: [2, 10] } : { turn: 40, rounds: 5, warm: [50, 500] };

await record('gpu', options, async () => {
  const { choices, notes } = await engineChoices();
  const hasGpu = choices.some(({ kind }) => kind === 'gpu');
  const rows: Row[] = [];
  /** An error ends one part; what the others found is worth keeping, and the error is told beside it. */
  const part = async (what: string, found: () => Promise<Row[]>): Promise<void> => {
    try {
      rows.push(...(await found()));
    } catch (error) {
      console.error(error);
      notes.push(`${what} ended in an error: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  };
  await part('ops', () => ops(choices));
  if (choices.some(({ mode }) => mode === 'webgpu')) await part('ladder and calls', () => kernels(choices, hasGpu));
  else notes.push('The ladder of matrix products and the cost of a call were not measured: they need webgpu.');
  const model = quick ? tiny : small;
  await part(model.label, () => endToEndRows(choices, model));
  if (hasGpu && !quick) {
    const fast = choices.filter((choice) => choice.kind === 'gpu' || isYardstick(choice));
    await part(smol.label, () => endToEndRows(fast, smol));
  }
  return { rows, notes };
});
// A part that failed has left its threads behind.
if (process.exitCode === 1) process.exit();

async function ops(choices: readonly Choice[]): Promise<Row[]> {
  const engines: Engine[] = [];
  for (const choice of choices) engines.push(await openEngine(choice, (quick ? 64 : 768) * MIB));
  const rows = await opRows(engines, quick ? quickOpSizes : opSizes, pace);
  for (const { close } of engines) await close();
  return rows;
}

/** Single kernels on the WebGPU device. */
async function kernels(choices: readonly Choice[], hasGpu: boolean): Promise<Row[]> {
  const choice = choices.find(isYardstick);
  if (choice === undefined) throw new Error('there is no simd to compare with.');
  const simd = await openEngine(choice, (quick ? 64 : 512) * MIB);
  const bench = await openGpuBench();
  const matmuls = quick ? quickShapes : hasGpu ? gpuShapes : softwareShapes;
  // SwiftShader compiles the last one for many seconds.
  const byHand = quick ? shaders.slice(0, -1) : shaders;
  const rows = [...(await ladderRows(bench, simd, matmuls, byHand, pace)), ...(await callRows(bench, pace))];
  await bench.close();
  await simd.close();
  return rows;
}
