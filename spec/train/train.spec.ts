import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import type { GradientBackend } from '../../src/backends/gradients.ts';
import { defaultAdamW } from '../../src/train/adamW.ts';
import { memoryCheckpoint, type CheckpointStore } from '../../src/train/checkpoint.ts';
import type { Parameters } from '../../src/train/parameters.ts';
import { train, type TrainEvent, type TrainSettings } from '../../src/train/train.ts';
import type { Trainee } from '../../src/train/trainee.ts';
import { seeds } from '../arbitraries.ts';
import { tinyBatch, tinyTrainee } from './tinyTrainee.ts';

const STEPS = 6;

function settingsOf(lr: number): TrainSettings {
  const schedule = { steps: STEPS, lr, minLr: 0, warmupSteps: 2, decay: 'cosine' } as const;
  return { schedule, optimizer: defaultAdamW, clip: 1, accumulate: 2 };
}

interface Run {
  store?: CheckpointStore;
  identity?: string;
  lr?: number;
  /** Leave off after this many steps. */
  leaveAt?: number;
  every?: number;
  backend?: GradientBackend;
}

async function run(trainee: Trainee, options: Run = {}): Promise<TrainEvent[]> {
  const { store = memoryCheckpoint(), identity = 'x', lr = 0.01, leaveAt = Infinity, every = 1 } = options;
  const events: TrainEvent[] = [];
  const loop = train({
    backend: options.backend ?? referenceBackend(),
    trainee,
    settings: settingsOf(lr),
    draw: (step, part) => tinyBatch(100 * step + part, 1, 4),
    checkpoint: { every, store, identity },
  });
  for await (const event of loop) {
    events.push(event);
    if (event.type === 'step' && event.step === leaveAt) break;
  }
  return events;
}

const losses = (events: readonly TrainEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
const values = (parameters: Parameters): [string, number[]][] =>
  [...parameters].map(([name, { data }]) => [name, [...data]]);

describe('train', () => {
  test.prop([seeds, fc.array(fc.integer({ min: 1, max: STEPS }), { maxLength: 4 }), fc.integer({ min: 1, max: 3 })], {
    numRuns: 12,
  })(
    'stopped anywhere, any number of times, and resumed ends with the bits of never stopped',
    async (seed, stops, every) => {
      const straight = tinyTrainee({ seed, layers: 1 });
      const wanted = await run(straight);
      const store = memoryCheckpoint();
      for (const leaveAt of stops) await run(tinyTrainee({ seed, layers: 1 }), { store, leaveAt, every });
      const resumed = tinyTrainee({ seed, layers: 1 });
      const events = await run(resumed, { store, every });
      expect(values(resumed.parameters)).toEqual(values(straight.parameters));
      expect(losses(events)).toEqual(losses(wanted).slice(STEPS - losses(events).length));
    },
  );

  it('lowers the loss of a batch it sees again and again', async () => {
    const trainee = tinyTrainee({ layers: 1 });
    const loop = train({ backend: referenceBackend(), trainee, settings: settingsOf(0.03), draw: () => tinyBatch(1) });
    const events: TrainEvent[] = [];
    for await (const event of loop) events.push(event);
    const [first, ...rest] = losses(events);
    expect(rest[rest.length - 1]).toBeLessThan(0.9 * first);
    expect(events.map(({ type }) => type)).toEqual(['start', ...Array.from({ length: STEPS }, () => 'step'), 'done']);
  });

  it('measures on the way and at the end', async () => {
    let calls = 0;
    const measure = { every: 4, figures: () => Promise.resolve({ calls: ++calls }) };
    const loop = train({
      backend: referenceBackend(),
      trainee: tinyTrainee({ layers: 1 }),
      settings: settingsOf(0.01),
      draw: () => tinyBatch(1),
      measure,
    });
    const steps: number[] = [];
    for await (const event of loop) if (event.type === 'measured') steps.push(event.step);
    expect([steps, calls]).toEqual([[4, STEPS], 2]);
  });

  it('refuses the checkpoint of another run, and a damaged one', async () => {
    const store = memoryCheckpoint();
    await run(tinyTrainee({ layers: 1 }), { store, leaveAt: 2 });
    await expect(run(tinyTrainee({ layers: 1 }), { store, identity: 'y' })).rejects.toThrow(
      /belongs to a run with another recipe/,
    );
    await expect(run(tinyTrainee({ layers: 1 }), { store, lr: 0.02 })).rejects.toThrow(
      /belongs to a run with another recipe/,
    );
    const bytes = (await store.read()) ?? new Uint8Array();
    await expect(run(tinyTrainee({ layers: 1 }), { store: memoryCheckpoint(bytes.slice(0, -4)) })).rejects.toThrow(
      /checkpoint in memory/,
    );
  });

  it('ends with one line where the loss is not finite', async () => {
    const trainee = tinyTrainee({ layers: 1 });
    trainee.parameters.get('lm_head.weight')?.data.fill(Infinity);
    await expect(run(trainee)).rejects.toThrow(/step 1: the loss is NaN.*Lower the learning rate/);
  });

  it('has the same bits on one thread and on three', async () => {
    const found = [];
    for (const threads of [1, 3]) {
      const backend = await simdGradientBackend({
        memoryBytes: 2 ** 25,
        threads,
        spawn: nodeSpawnWorker,
        variant: 'plain',
      });
      const trainee = tinyTrainee({ family: 'qwen3', config: { hidden_size: 64, intermediate_size: 96 } });
      await run(trainee, { backend });
      found.push(values(trainee.parameters));
      expect(backend.bytesInUse()).toBe(0);
      await backend.dispose();
    }
    expect(found[1]).toEqual(found[0]);
  });
});
