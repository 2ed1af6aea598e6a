/**
 * golden.json of a trained model: what its files must hold and compute, and how its recipe begins.
 *
 *   node tiny-models/trainedGolden.ts tiny-models/sorter
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GradientBackend } from '../src/backends/gradients.ts';
import { simdGradientBackend } from '../src/backends/simd/simdGradientBackend.ts';
import { loadRecipe } from '../src/cli/trainingFiles.ts';
import { openModel } from '../src/formats/openModel.ts';
import { Mask } from '../src/model/mask.ts';
import { nodeHasher } from '../src/platform/nodeHash.ts';
import { nodeSpawnWorker } from '../src/platform/nodeThreads.ts';
import { prepare } from '../src/train/prepare.ts';
import { train } from '../src/train/train.ts';
import { plainForward } from './plainForward.ts';
import { traceOf, type Trace } from './trace.ts';

export interface TrainedGolden {
  model: string;
  /** SHA-256 of model.safetensors. */
  weights: string;
  /** Losses of the recipe's first steps, to the bit; they depend on nothing but the recipe and its kernels. */
  losses: readonly number[];
  /** The dense model's pass over the opening of `validation`, or over a drawn problem, by plainForward.ts. */
  trace: Trace & { ids: readonly number[] };
}

const STEPS = 3;
const TRACED = 64;

/** Losses of a recipe's first steps. */
export async function firstLosses(folder: string, backend: GradientBackend, steps: number = STEPS): Promise<number[]> {
  const { recipe, source, readText } = await loadRecipe(join(folder, 'recipe.ts'));
  const { trainee, settings, draw } = await prepare(recipe, source, readText, nodeHasher);
  const losses: number[] = [];
  for await (const event of train({ backend, trainee, settings, draw })) {
    if (event.type === 'step') losses.push(event.loss);
    if (losses.length === steps) break;
  }
  return losses;
}

export function weightsHash(folder: string): string {
  return createHash('sha256')
    .update(readFileSync(join(folder, 'model.safetensors')))
    .digest('hex');
}

async function goldenOf(folder: string): Promise<TrainedGolden> {
  const { recipe, source, readText } = await loadRecipe(join(folder, 'recipe.ts'));
  const { draw, validation } = await prepare(recipe, source, readText, nodeHasher);
  const ids = (validation?.ids[0] ?? draw(0, 0).inputs.subarray(0, recipe.seqLen)).subarray(0, TRACED);
  const { weights, close } = await openModel(folder);
  const pass = await plainForward(weights, ids, Mask.empty);
  await close();
  const variant = recipe.kernels ?? 'plain';
  const backend = await simdGradientBackend({ memoryBytes: 2 ** 29, threads: 1, spawn: nodeSpawnWorker, variant });
  const losses = await firstLosses(folder, backend);
  await backend.dispose();
  return {
    model: basename(resolve(folder)),
    weights: weightsHash(folder),
    losses,
    trace: { ids: [...ids], ...traceOf(pass) },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of process.argv.slice(2)) {
    writeFileSync(join(folder, 'golden.json'), `${JSON.stringify(await goldenOf(folder), null, 1)}\n`);
  }
}
