import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import type { GradientBackend } from '../../src/backends/gradients.ts';
import { defaultAdamW } from '../../src/train/adamW.ts';
import { memoryCheckpoint, type CheckpointStore } from '../../src/train/checkpoint.ts';
import type { Parameters } from '../../src/autodiff/parameters.ts';
import { train, type TrainEvent, type TrainSettings } from '../../src/train/train.ts';
import type { Trainee } from '../../src/autodiff/trainee.ts';
import { checkSum } from '../../src/train/checkpointSum.ts';
import { FormatError } from '../../src/errors.ts';
import { seeds } from '../arbitraries.ts';
import { tinyBatch, tinyTrainee } from '../autodiff/tinyTrainee.ts';

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
    checkpoint: { every, store, identity, newHasher: nodeHasher },
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

/** The same checkpoint without its checksum. */
function asInVersion01(bytes: Uint8Array | null): Uint8Array {
  if (bytes === null) return expect.unreachable();
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + length)).replace(/"sha256":"\w+",/, '');
  const old = Buffer.concat([new Uint8Array(8), Buffer.from(header), bytes.subarray(8 + length)]);
  old.writeBigUInt64LE(BigInt(header.length));
  return new Uint8Array(old);
}

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

  it('refuses a checkpoint with any bit flipped, or cut anywhere', async () => {
    const store = memoryCheckpoint();
    await run(tinyTrainee({ layers: 1 }), { store, leaveAt: 2 });
    const whole = (await store.read()) ?? expect.unreachable();
    const property = fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(8), async (at, bit) => {
      const bytes = bit === 8 ? whole.slice(0, at) : whole.slice();
      if (bit < 8) bytes[at] ^= 1 << bit;
      const trainee = tinyTrainee({ layers: 1 });
      const before = values(trainee.parameters);
      await expect(run(trainee, { store: memoryCheckpoint(bytes) })).rejects.toThrow(
        /^checkpoint in memory: is damaged, or not a checkpoint: its checksum does not fit\. Use another --out/,
      );
      expect(values(trainee.parameters)).toEqual(before);
    });
    await fc.assert(property, { numRuns: 200 });
    // Every bit of what comes first, where the checksum itself and what says that there is one
    // stand.
    for (let at = 0; at < 8 * 110; at++) {
      const bytes = whole.slice();
      bytes[at >> 3] ^= 1 << (at & 7);
      expect(() => checkSum(bytes, 'x', nodeHasher), `bit ${at}`).toThrow(FormatError);
    }
  });

  it('goes on from a checkpoint of version 0.1, and says that it is unchecked', async () => {
    const straight = tinyTrainee({ layers: 1 });
    await run(straight);
    const store = memoryCheckpoint();
    await run(tinyTrainee({ layers: 1 }), { store, leaveAt: 3 });
    const resumed = tinyTrainee({ layers: 1 });
    const events = await run(resumed, { store: memoryCheckpoint(asInVersion01(await store.read())) });
    expect(events[0]).toEqual({
      type: 'warning',
      message: expect.stringMatching(/^checkpoint in memory: was written by version 0\.1 without a checksum/),
    });
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(STEPS - 2);
    expect(values(resumed.parameters)).toEqual(values(straight.parameters));
    // A new one is written without a word.
    expect((await run(tinyTrainee({ layers: 1 }), { store }))[0].type).toBe('start');
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
