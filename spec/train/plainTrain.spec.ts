/**
 * Training against its plain twin: a loop of a few lines, with f64 averages and the formulas of the
 * papers, on one batch where the loop takes several.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { countTargets, type Batch } from '../../src/autodiff/batch.ts';
import { lossAndGradients } from '../../src/autodiff/gradients.ts';
import { AdaptedLinear, adapterNames, mergeAdapters, withAdapters } from '../../src/autodiff/lora.ts';
import { Tape } from '../../src/autodiff/tape.ts';
import { DataError, UsageError } from '../../src/errors.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { clipGradients } from '../../src/train/clip.ts';
import { checkRank } from '../../src/train/heal.ts';
import { learningRate, type Schedule } from '../../src/train/schedule.ts';
import { train, type TrainEvent, type TrainSettings } from '../../src/train/train.ts';
import { tinyBatch, tinyTrainee } from '../autodiff/tinyTrainee.ts';
import { normals, seeds } from '../arbitraries.ts';
import { someFamily } from '../model/modelArbitraries.ts';
import { unevenSource } from '../model/unevenModel.ts';

const backend = referenceBackend();

/** Batches of sequences of one length as one. */
function together(batches: readonly Batch[]): Batch {
  const all = (part: 'inputs' | 'targets'): Int32Array => Int32Array.from(batches.flatMap((batch) => [...batch[part]]));
  return { inputs: all('inputs'), targets: all('targets'), seqLen: batches[0].seqLen };
}

const someSettings = fc.record({
  steps: fc.integer({ min: 1, max: 4 }),
  warmupSteps: fc.integer({ min: 0, max: 2 }),
  decay: fc.constantFrom('linear' as const, 'constant' as const),
  clip: fc.constantFrom(0.1, 1, 1e9),
  accumulate: fc.integer({ min: 1, max: 3 }),
  weightDecay: fc.constantFrom(0, 0.1),
});

async function drainTrain(
  seed: number,
  family: Parameters<typeof tinyTrainee>[0],
  settings: TrainSettings,
  draw: (step: number, part: number) => Batch,
) {
  const trainee = tinyTrainee({ ...family, seed, layers: 1 });
  const events: TrainEvent[] = [];
  for await (const event of train({ backend, trainee, settings, draw })) events.push(event);
  return { trainee, steps: events.filter((event) => event.type === 'step'), events };
}

describe('training', () => {
  test.prop([someFamily, seeds, someSettings], { numRuns: 15 })(
    'is the plain loop, on one batch of all parts',
    async (family, seed, { clip, accumulate, weightDecay, ...drawn }) => {
      const schedule: Schedule = { ...drawn, lr: 0.01, minLr: 0.002 };
      const [beta1, beta2, eps] = [0.9, 0.95, 1e-3];
      const settings = { schedule, optimizer: { beta1, beta2, eps, weightDecay }, clip, accumulate };
      const draw = (step: number, part: number): Batch => tinyBatch(seed + 100 * step + part, 1 + part, 4);
      const { trainee, steps } = await drainTrain(seed, { family }, settings, draw);

      const twin = tinyTrainee({ family, seed, layers: 1 });
      const averages = new Map<string, { m: number; v: number }[]>();
      for (let t = 1; t <= schedule.steps; t++) {
        const batch = together(Array.from({ length: accumulate }, (_, part) => draw(t - 1, part)));
        const { loss, gradients } = await lossAndGradients(backend, twin, [batch]);
        const norm = Math.hypot(...[...gradients.values()].flatMap((gradient) => [...gradient]));
        const factor = Math.min(1, clip / norm);
        const before = steps[t - 1];
        expect(before.loss).toBeCloseTo(loss, 2);
        expect(before.gradientNorm / norm).toBeCloseTo(1, 3);
        expect(before.tokens).toBe(batch.inputs.length);
        for (const [name, gradient] of gradients) {
          const { data, shape } = twin.parameters.get(name) ?? expect.unreachable();
          const own = averages.get(name) ?? Array.from(gradient, () => ({ m: 0, v: 0 }));
          averages.set(name, own);
          for (const [i, g] of gradient.entries()) {
            own[i].m = beta1 * own[i].m + (1 - beta1) * factor * g;
            own[i].v = beta2 * own[i].v + (1 - beta2) * (factor * g) ** 2;
            const step = own[i].m / (1 - beta1 ** t) / (Math.sqrt(own[i].v / (1 - beta2 ** t)) + eps);
            data[i] -= before.lr * (step + (shape.length > 1 ? weightDecay * data[i] : 0));
          }
        }
      }
      for (const [name, { data }] of trainee.parameters) {
        const want = twin.parameters.get(name)?.data ?? [];
        for (const [i, value] of data.entries()) expect(value, name).toBeCloseTo(want[i], 3);
      }
    },
  );

  test.prop([seeds, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })], { numRuns: 20 })(
    'counts each target the same, whichever part it is in',
    async (seed, sequences) => {
      const trainee = tinyTrainee({ seed, layers: 1 });
      const parts = sequences.map((count, part) => tinyBatch(seed + part, count, 4));
      const [apart, whole] = [
        await lossAndGradients(backend, trainee, parts),
        await lossAndGradients(backend, trainee, [together(parts)]),
      ];
      expect(apart.targets).toBe(parts.reduce((sum, part) => sum + countTargets(part), 0));
      expect(apart.targets).toBe(whole.targets);
      expect(apart.loss).toBeCloseTo(whole.loss, 4);
      expect([...apart.gradients.keys()]).toEqual([...whole.gradients.keys()]);
      for (const [name, gradient] of apart.gradients) {
        const want = whole.gradients.get(name) ?? [];
        for (const [i, value] of gradient.entries()) expect(value, name).toBeCloseTo(want[i], 3);
      }
      expect(backend.bytesInUse()).toBe(0);
    },
  );

  it('ends with a clear line where the loss stops being finite, and changes nothing in that step', async () => {
    const trainee = tinyTrainee({ layers: 1 });
    const gain = trainee.parameters.get('model.norm.weight') ?? expect.unreachable();
    gain.data[0] = NaN;
    const before = [...trainee.parameters].map(([name, { data }]) => [name, [...data]]);
    const schedule = { steps: 2, lr: 0.01, minLr: 0, warmupSteps: 0, decay: 'constant' } as const;
    const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0 };
    const settings = { schedule, optimizer, clip: 1, accumulate: 1 };
    const run = train({ backend, trainee, settings, draw: (step) => tinyBatch(step) });
    expect((await run.next()).value).toMatchObject({ type: 'start', step: 0 });
    const failure = await run.next().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataError);
    expect((failure as Error).message).toMatch(/^step 1: the loss is NaN, .* Lower the learning rate/);
    expect([...trainee.parameters].map(([name, { data }]) => [name, [...data]])).toEqual(before);
  });
});

describe('the schedule and the clip', () => {
  test.prop([fc.integer({ min: 1, max: 60 }), fc.nat(60), fc.constantFrom('cosine', 'linear', 'constant')])(
    'ends one step short of minLr, on the curve of its formula',
    (steps, warm, decay) => {
      const warmupSteps = Math.min(warm, steps);
      const schedule: Schedule = { steps, warmupSteps, lr: 0.5, minLr: 0.1, decay };
      for (let step = 0; step < steps; step++) {
        const u = (step - warmupSteps) / (steps - warmupSteps);
        const down = { cosine: (1 + Math.cos(Math.PI * u)) / 2, linear: 1 - u, constant: 1 }[decay];
        const want = step < warmupSteps ? (0.5 * (step + 1)) / warmupSteps : 0.1 + 0.4 * down;
        expect(learningRate(schedule, step)).toBeCloseTo(want, 12);
      }
    },
  );

  test.prop([seeds, fc.constantFrom(0, 1e-30, NaN, Infinity)])(
    'leave gradients of no length, and of none that is a number, as they are or to be refused',
    (seed, odd) => {
      const gradient = normals(seed, 4).map((value) => (odd === 0 ? 0 : value));
      gradient[2] = odd;
      const before = [...gradient];
      const norm = clipGradients(new Map([['w', gradient]]), 1e9);
      expect(norm).toBe(Math.sqrt(before.reduce((sum, value) => sum + value ** 2, 0)));
      if (odd !== Infinity) expect([...gradient]).toEqual(before);
      expect(Number.isFinite(norm)).toBe(Math.abs(odd) < 1);
    },
  );
});

describe('adapters', () => {
  const someAdapter = fc.record({
    out: fc.integer({ min: 1, max: 9 }),
    inn: fc.integer({ min: 1, max: 9 }),
    rank: fc.integer({ min: 1, max: 5 }),
    alpha: fc.constantFrom(0.5, 1, 16),
    rows: fc.integer({ min: 1, max: 4 }),
    seed: seeds,
  });

  test.prop([someAdapter])(
    'beside a projection give what the merged projection gives, and what the formula says',
    async ({ out, inn, rank, alpha, rows, seed }) => {
      const weight = normals(seed, out * inn);
      const all = withAdapters(
        new Map([['m.weight', { shape: [out, inn], data: weight }]]),
        ['m.weight'],
        { rank, alpha },
        seededRng(seed),
      );
      const { a, b } = adapterNames('m.weight');
      const [down, up] = [all.get(a)?.data ?? expect.unreachable(), all.get(b)?.data ?? expect.unreachable()];
      for (const value of down) expect(Math.abs(value)).toBeLessThanOrEqual(1 / Math.sqrt(inn));
      expect([...up].every((value) => value === 0)).toBe(true);
      up.set(normals(seed + 1, out * rank));
      const merged = mergeAdapters(all, { rank, alpha }).get('m.weight')?.data ?? expect.unreachable();
      const input = normals(seed + 2, rows * inn);

      const scope = backend.scope();
      const tape = new Tape(scope);
      const x = tape.parameter({ name: 'x', data: input, trained: false }, rows, inn);
      const of = (name: string, data: Float32Array | Float64Array, height: number, width: number) =>
        tape.projection({ name, data, trained: false }, height, width);
      const adapted = new AdaptedLinear(of('w', weight, out, inn), of(a, down, rank, inn), of(b, up, out, rank), {
        rank,
        alpha,
      });
      const beside = await backend.download(adapted.apply(tape, x));
      const within = await backend.download(tape.linear(x, of('merged', merged, out, inn)));
      scope.close();
      for (let row = 0; row < rows; row++) {
        for (let o = 0; o < out; o++) {
          let want = 0;
          for (let i = 0; i < inn; i++) {
            let correction = 0;
            for (let r = 0; r < rank; r++) correction += up[o * rank + r] * down[r * inn + i];
            want += input[row * inn + i] * (weight[o * inn + i] + (alpha / rank) * correction);
          }
          const scale = 1 + Math.abs(want) + alpha * rank * 10;
          expect(Math.abs(beside[row * out + o] - want) / scale).toBeLessThan(1e-5);
          expect(Math.abs(within[row * out + o] - want) / scale).toBeLessThan(1e-5);
        }
      }
    },
  );

  it('larger than every matrix that is left are refused, by the widths that are there', () => {
    const layers = [
      { mha: false, width: 30 },
      { mha: false, width: 5 },
    ];
    const { config } = unevenSource({ family: 'llama', seed: 1, layers });
    expect(() => checkRank(30, config)).not.toThrow();
    expect(() => checkRank(31, config)).toThrow(UsageError);
    expect(() => checkRank(31, config)).toThrow('--rank 31: no matrix of the model has more than 30 rows or columns.');
  });
});
