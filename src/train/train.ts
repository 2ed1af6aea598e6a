/**
 * The training loop as a generator of events: draw → loss and gradients → clip → AdamW. Every step
 * depends on the parameters, the averages and the step's number alone, so that a run stopped
 * anywhere and resumed from its checkpoint ends with the bits of one that never stopped.
 */
import type { GradientBackend } from '../backends/gradients.ts';
import { DataError } from '../errors.ts';
import { AdamW, type AdamWSettings } from './adamW.ts';
import type { DrawBatch } from './batch.ts';
import type { Hasher } from '../platform/sha256.ts';
import { decodeCheckpoint, encodeCheckpoint, memoryCheckpoint, type CheckpointStore } from './checkpoint.ts';
import { checkSum } from './checkpointSum.ts';
import { clipGradients } from './clip.ts';
import { lossAndGradients } from '../autodiff/gradients.ts';
import { learningRate, type Schedule } from './schedule.ts';
import type { Trainee } from '../autodiff/trainee.ts';

export interface TrainSettings {
  readonly schedule: Schedule;
  readonly optimizer: AdamWSettings;
  /** Longest gradient; longer ones are shortened to it. */
  readonly clip: number;
  /** Batches a step, run one after another. */
  readonly accumulate: number;
}

/** Figures by name: `loss`, `perplexity`, or a task's own such as `accuracy`. */
export type Figures = Readonly<Record<string, number>>;

export interface TrainOptions {
  backend: GradientBackend;
  /** Its trained parameters are changed in place. */
  trainee: Trainee;
  settings: TrainSettings;
  draw: DrawBatch;
  /** What is measured on the way, every so many steps and at the end. */
  measure?: { every: number; figures: () => Promise<Figures> };
  checkpoint?: {
    every: number;
    store: CheckpointStore;
    /** What the run is, beside settings and kernels. */ identity: string;
    /** SHA-256, for the checkpoint's checksum. */ newHasher: () => Hasher;
  };
}

export type TrainEvent =
  /** What the user should know of the run: an old checkpoint carries no checksum. */
  | { type: 'warning'; message: string }
  /** `step` steps are done already. */
  | { type: 'start'; step: number; steps: number; parameters: number; trained: number }
  | {
      type: 'step';
      /** Steps done. */
      step: number;
      /** Mean negative log-likelihood of the step's targets before its update, nats. */
      loss: number;
      lr: number;
      /** Before clipping. */
      gradientNorm: number;
      /** Rows the step ran, those without a target included. */
      tokens: number;
      seconds: number;
    }
  | { type: 'measured'; step: number; figures: Figures }
  | { type: 'saved'; step: number }
  | { type: 'done'; step: number };

const UNCHECKED =
  'was written by version 0.1 without a checksum: damage to it may go unnoticed. Another --out trains anew.';

/** For a run that keeps no checkpoint. */
const unkept: NonNullable<TrainOptions['checkpoint']> = {
  every: Infinity,
  store: memoryCheckpoint(),
  identity: '',
  newHasher: () => {
    throw new Error('nothing is hashed where no checkpoint is kept');
  },
};

/**
 * Trains to the schedule's end, from the checkpoint if there is one.
 * @throws DataError when loss or gradient stop being finite; FormatError or JournalMismatchError
 * for a checkpoint that cannot be used.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void> {
  const { backend, trainee, settings, draw, measure } = options;
  const { schedule } = settings;
  const { every, store, identity, newHasher } = options.checkpoint ?? unkept;
  const whole = JSON.stringify({ run: identity, settings, variant: backend.variant });
  const saved = await store.read();
  let optimizer = new AdamW(settings.optimizer);
  if (saved !== null) {
    if (!checkSum(saved, store.name, newHasher)) yield { type: 'warning', message: `${store.name}: ${UNCHECKED}` };
    optimizer = await decodeCheckpoint(saved, store.name, trainee, settings.optimizer, whole);
  }

  yield { type: 'start', step: optimizer.steps, steps: schedule.steps, ...sizes(trainee) };
  while (optimizer.steps < schedule.steps) {
    const started = performance.now();
    const lr = learningRate(schedule, optimizer.steps);
    const parts = Array.from({ length: settings.accumulate }, (_, part) => draw(optimizer.steps, part));
    const { loss, gradients } = await lossAndGradients(backend, trainee, parts);
    const gradientNorm = clipGradients(gradients, settings.clip);
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new DataError(`step ${optimizer.steps + 1}: the loss is ${loss}, its gradient's norm ${gradientNorm}.`, {
        remedy: 'Lower the learning rate, or warm up longer.',
      });
    }
    optimizer.step(trainee.parameters, gradients, lr);
    const tokens = parts.reduce((sum, { inputs }) => sum + inputs.length, 0);
    const step = optimizer.steps;
    yield { type: 'step', step, loss, lr, gradientNorm, tokens, seconds: (performance.now() - started) / 1000 };
    const last = step === schedule.steps;
    if (measure !== undefined && step % measure.every === 0 && !last) {
      yield { type: 'measured', step, figures: await measure.figures() };
    }
    if (step % every === 0 || (last && every < Infinity)) {
      await store.write(encodeCheckpoint(trainee, optimizer, whole, newHasher));
      yield { type: 'saved', step };
    }
  }
  if (measure !== undefined) yield { type: 'measured', step: optimizer.steps, figures: await measure.figures() };
  yield { type: 'done', step: optimizer.steps };
}

function sizes({ parameters, trained }: Trainee): { parameters: number; trained: number } {
  let [all, changed] = [0, 0];
  for (const [name, { data }] of parameters) {
    all += data.length;
    if (trained.has(name)) changed += data.length;
  }
  return { parameters: all, trained: changed };
}
