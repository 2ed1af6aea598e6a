/** Models of a few thousand parameters in training. */
import type { Floats, GradientBackend } from '../../src/backends/gradients.ts';
import type { ReferenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { parseHfConfig } from '../../src/formats/huggingface/config.ts';
import { expectedTensors } from '../../src/formats/huggingface/tensorShapes.ts';
import type { FamilyName, ModelConfig } from '../../src/model/config.ts';
import { Mask } from '../../src/model/mask.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { numel } from '../../src/tensor/shape.ts';
import type { Batch } from '../../src/autodiff/batch.ts';
import type { Parameter, Parameters } from '../../src/autodiff/parameters.ts';
import { Tape, type TapeGradient } from '../../src/autodiff/tape.ts';
import { wholeTrainee, type Trainee } from '../../src/autodiff/trainee.ts';
import { trainingForward } from '../../src/autodiff/trainingForward.ts';
import { tinyConfig, TINY_VOCAB } from '../model/tinyTransformer.ts';

export interface TinyTraineeOptions {
  family?: FamilyName;
  layers?: number;
  precision?: 'f32' | 'f64';
  seed?: number;
  mask?: Mask;
  /** Fields of config.json to add or replace. */
  config?: Readonly<Record<string, unknown>>;
}

/** A model whose every parameter is trained; gains around 1, biases that are not 0. */
export function tinyTrainee(options: TinyTraineeOptions = {}): Trainee {
  const { family = 'llama', layers = 2, precision = 'f32', seed = 1, mask = Mask.empty } = options;
  const { config } = parseHfConfig({ ...tinyConfig(family, layers), ...options.config }, 'config');
  const parameters = randomParameters(config, precision, seed);
  return { ...wholeTrainee(config, parameters), mask };
}

function randomParameters(config: ModelConfig, precision: 'f32' | 'f64', seed: number): Parameters {
  const rng = seededRng(seed);
  const parameters = new Map<string, Parameter>();
  for (const [name, { shape }] of expectedTensors(config)) {
    const draw = rng.fork(name);
    const centre = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
    const values = Array.from({ length: numel(shape) }, () => centre + 0.3 * draw.normal());
    const data: Floats = precision === 'f32' ? Float32Array.from(values) : Float64Array.from(values);
    parameters.set(name, { shape, data });
  }
  return parameters;
}

/** Random sequences; one row in five has no target. */
export function tinyBatch(seed: number, sequences = 2, seqLen = 6): Batch {
  const rng = seededRng(seed);
  const rows = sequences * seqLen;
  return {
    inputs: Int32Array.from({ length: rows }, () => rng.int(TINY_VOCAB)),
    targets: Int32Array.from({ length: rows }, (_, row) => (row % 5 === 3 ? -1 : rng.int(TINY_VOCAB))),
    seqLen,
  };
}

/** Σ of the rows' negative log-likelihoods. */
export function lossSum(backend: ReferenceBackend, trainee: Trainee, batch: Batch): number {
  const scope = backend.scope();
  const nll = backend.read(trainingForward(new Tape(scope), trainee, batch, 1));
  scope.close();
  return Array.from(nll).reduce((sum, value) => sum + value, 0);
}

/** Each row's negative log-likelihood, in f32. */
export async function lossRows(backend: GradientBackend, trainee: Trainee, batch: Batch): Promise<Float32Array> {
  const scope = backend.scope();
  const nll = await backend.download(trainingForward(new Tape(scope), trainee, batch, 1));
  scope.close();
  return nll;
}

/** The derivative of `lossSum` with respect to every trained parameter. */
export function gradientSums(backend: ReferenceBackend, trainee: Trainee, batch: Batch): Map<string, Floats> {
  const scope = backend.scope();
  const tape = new Tape(scope);
  trainingForward(tape, trainee, batch, 1);
  const gradients = new Map(playAll(tape).map(({ name, gradient }) => [name, backend.read(gradient)] as const));
  scope.close();
  return gradients;
}

/** All gradients of a tape, in the order in which they are finished. */
export function playAll(tape: Tape): TapeGradient[] {
  return [...tape.gradients()].filter((finished) => finished !== null);
}
