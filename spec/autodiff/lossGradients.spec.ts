/** Gradients of a calibration loss, block by block, against the tape of the whole model. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { countTargets, type Batch } from '../../src/autodiff/batch.ts';
import { lossGradients, type CalibrationLoss, type GradientEvent } from '../../src/autodiff/lossGradients.ts';
import type { Parameter } from '../../src/autodiff/parameters.ts';
import { Tape } from '../../src/autodiff/tape.ts';
import { wholeTrainee } from '../../src/autodiff/trainee.ts';
import { trainingForward } from '../../src/autodiff/trainingForward.ts';
import type { GradientBackend } from '../../src/backends/gradients.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import { isScored, type Chunks } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import type { FamilyName } from '../../src/model/config.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { seeds } from '../arbitraries.ts';
import { layersOf } from '../model/layers.ts';
import { someFamily, someMask } from '../model/modelArbitraries.ts';
import { tinySource, type TinyOptions } from '../model/tinyTransformer.ts';
import { wrappedSource } from '../model/wrappedSource.ts';
import { tinyChunks } from '../prune/tinySearch.ts';
import { playAll } from './tinyTrainee.ts';

type Gradients = Map<string, Float64Array>;

async function collect(
  events: AsyncGenerator<GradientEvent, CalibrationLoss>,
): Promise<{ gradients: Gradients; loss: CalibrationLoss }> {
  const gradients: Gradients = new Map();
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return { gradients, loss: value };
    if (value.type !== 'gradient') continue;
    expect(gradients.has(value.name)).toBe(false);
    gradients.set(value.name, value.gradient);
  }
}

/** The targets of one chunk that count, as a batch. */
function batchOf(chunks: Chunks, index: number): Batch {
  const inputs = chunks.ids[index];
  const targets = inputs.map((_, t) => (t + 1 < inputs.length && isScored(chunks, index, t) ? inputs[t + 1] : -1));
  return { inputs, targets, seqLen: inputs.length };
}

/** The plain way: the whole model on one tape, a chunk at a time, in f64. */
async function onOneTape(source: WeightSource, mask: Mask, chunks: Chunks): Promise<Gradients> {
  const parameters = new Map<string, Parameter>();
  for (const [name, { shape }] of source.tensors)
    parameters.set(name, { shape, data: Float64Array.from(await source.tensor(name)) });
  const trainee = { ...wholeTrainee(source.config, parameters), mask };
  const backend = referenceBackend('f64');
  const sums: Gradients = new Map();
  for (const index of chunks.ids.keys()) {
    const scope = backend.scope();
    const tape = new Tape(scope);
    const batch = batchOf(chunks, index);
    trainingForward(tape, trainee, batch, 1 / countTargets(batch) / chunks.ids.length);
    for (const { name, gradient } of playAll(tape)) {
      const values = backend.read(gradient);
      const before = sums.get(name) ?? new Float64Array(values.length);
      sums.set(
        name,
        before.map((value, i) => value + values[i]),
      );
    }
    scope.close();
  }
  return sums;
}

/** Every tensor's gradient is off by less than `share` of its length. */
function expectClose(found: Gradients, wanted: Gradients, share: number): void {
  expect([...found.keys()].toSorted()).toEqual([...wanted.keys()].toSorted());
  for (const [name, values] of wanted) {
    const got = found.get(name) ?? expect.unreachable();
    const off = Math.hypot(...values.map((value, i) => value - got[i]));
    // A key's bias shifts all scores of a query alike: its true gradient is 0, and both are
    // rounding.
    expect(off, name).toBeLessThanOrEqual(share * Math.hypot(...values) + 1e-12 + (share > 1e-9 ? 1e-6 : 0));
  }
}

/** Overlapping chunks and ignored targets included: their chunks do not all count equally many. */
const someChunks = fc
  .record({
    seed: seeds,
    count: fc.integer({ min: 1, max: 4 }),
    chunk: fc.integer({ min: 2, max: 12 }),
    stride: fc.integer({ min: 1, max: 12 }),
    ignored: fc.boolean(),
  })
  .map(({ seed, count, chunk, stride, ignored }) => {
    const chunks = tinyChunks(seed, count, chunk, { stride: Math.min(stride, chunk) });
    const [, first] = chunks.ids[0];
    const ignoring = { ...chunks, ignoredId: first };
    const allCount = chunks.ids.every((_, index) => countTargets(batchOf(ignoring, index)) > 0);
    return ignored && allCount ? ignoring : chunks;
  });

const someModel: fc.Arbitrary<TinyOptions & { family: FamilyName }> = fc.record({
  family: someFamily,
  seed: seeds,
  config: fc.boolean().map((tied) => ({ tie_word_embeddings: tied })),
});

describe('lossGradients', () => {
  test.prop([someModel, someMask(2), someChunks], { numRuns: 30 })(
    'are those of the whole model on one tape, and of the loss that perplexity is exp of',
    async (options, mask, chunks) => {
      const source = await tinySource(options);
      const backend = referenceBackend('f64');
      const { gradients, loss } = await collect(lossGradients(backend, source, mask, chunks));
      expectClose(gradients, await onOneTape(source, mask, chunks), 1e-11);
      const measured = await perplexity(await Transformer.load(source, referenceBackend(), 2 ** 24), chunks, mask);
      expect(loss.nll).toBeCloseTo(measured.nll, 5);
      expect(loss.scoredTokens).toBe(measured.scoredTokens);
      expect(backend.bytesInUse()).toBe(0);
    },
  );

  it('are the same on f32 backends but for rounding, and the same bits on any number of threads', async () => {
    const source = await tinySource({ family: 'qwen3', config: { hidden_size: 48, intermediate_size: 96 } });
    const chunks = tinyChunks(3, 3, 40);
    const mask = Mask.parse('L0.mlp', layersOf(2));
    const wanted = await onOneTape(source, mask, chunks);
    expectClose((await collect(lossGradients(referenceBackend(), source, mask, chunks))).gradients, wanted, 1e-5);
    const found: Gradients[] = [];
    for (const threads of [1, 2]) {
      const options = { memoryBytes: 2 ** 25, threads, spawn: nodeSpawnWorker, variant: 'plain' } as const;
      const backend = await simdGradientBackend(options);
      found.push((await collect(lossGradients(backend, source, mask, chunks))).gradients);
      expect(backend.bytesInUse()).toBe(0);
      await backend.dispose();
    }
    expectClose(found[0], wanted, 1e-5);
    expect(found[1]).toEqual(found[0]);
  });

  it('are the same however long a chunk is cut for the head', async () => {
    // 300 rows: two slices of the head. GPT-2's positions are learned, Llama's are not limited.
    const source = await tinySource({ config: { max_position_embeddings: 512 } });
    const chunks = tinyChunks(4, 2, 300);
    const { gradients } = await collect(lossGradients(referenceBackend('f64'), source, Mask.empty, chunks));
    expectClose(gradients, await onOneTape(source, Mask.empty, chunks), 1e-11);
  });

  test.prop([someFamily, seeds, someMask(2)], { numRuns: 10 })(
    'are those of a mask where the model itself lacks the blocks',
    async (family, seed, mask) => {
      const source = await tinySource({ family, seed });
      const layers = source.config.layers.map(({ mha, mlp }, layer) => ({
        mha: mask.has({ layer, kind: 'mha' }) ? null : mha,
        mlp: mask.has({ layer, kind: 'mlp' }) ? null : mlp,
      }));
      const lacking = wrappedSource(source, { config: { ...source.config, layers } });
      const chunks = tinyChunks(seed, 1, 5);
      const [masked, gone] = [
        await collect(lossGradients(referenceBackend(), source, mask, chunks)),
        await collect(lossGradients(referenceBackend(), lacking, Mask.empty, chunks)),
      ];
      expect(gone).toEqual(masked);
    },
  );

  it('read each block twice however many chunks there are, and come from the head backwards', async () => {
    const source = await tinySource({ layers: 3 });
    const reads = new Map<string, number>();
    const counting = wrappedSource(source, {
      tensor: (name) => {
        reads.set(name, (reads.get(name) ?? 0) + 1);
        return source.tensor(name);
      },
    });
    // Several groups of 512 rows.
    const chunks = tinyChunks(1, 30, 60);
    const { gradients } = await collect(lossGradients(referenceBackend(), counting, Mask.empty, chunks));
    for (const [name, count] of reads) expect(count, name).toBe(name.includes('layers') ? 2 : 1);
    expect([...gradients.keys()].slice(0, 2)).toEqual(['model.norm.weight', 'lm_head.weight']);
    const layers = [...gradients.keys()].flatMap((name) => /layers\.(\d)/.exec(name)?.[1] ?? []);
    expect(layers).toEqual(layers.toSorted().toReversed());
    expect([...gradients.keys()].at(-1)).toBe('model.embed_tokens.weight');
  });

  it('hold streams and one block, never all weights', async () => {
    const source = await tinySource({ layers: 12 });
    const chunks = tinyChunks(1, 2, 4);
    const backend = referenceBackend();
    const streams = 4 * (2 * 12 + 2) * 8 * 16;
    const sizes = [...source.tensors.values()].map(({ shape }) => 4 * shape.reduce((a, b) => a * b, 1));
    const whole = sizes.reduce((sum, size) => sum + size, 0);
    let most = 0;
    for await (const event of lossGradients(backend, source, Mask.empty, chunks)) {
      expect(event.type).toMatch(/progress|gradient/);
      most = Math.max(most, backend.bytesInUse());
    }
    expect(most - streams).toBeLessThan(whole / 8);
  });

  test.prop([seeds, fc.nat(60)], { numRuns: 20 })(
    'can be left anywhere, and free all they hold',
    async (seed, leaveAt) => {
      const source = await tinySource({ family: 'gpt2', seed });
      const backend = referenceBackend();
      let seen = 0;
      const done: number[] = [];
      for await (const event of lossGradients(backend, source, Mask.empty, tinyChunks(seed, 2, 50))) {
        if (event.type === 'progress') done.push(event.done / event.total);
        if (seen++ === leaveAt) break;
      }
      expect(backend.bytesInUse()).toBe(0);
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      if (seen <= leaveAt) expect(done.at(-1)).toBe(1);
    },
  );

  it('refuse a loss that is not finite, naming chunk and tensor, and free all they hold', async () => {
    const edit: TinyOptions['edit'] = (tensors) => tensors.get('model.layers.1.mlp.up_proj.weight')?.data.fill(NaN);
    const source = await tinySource({ edit });
    const backend = referenceBackend();
    const events = lossGradients(backend, source, Mask.empty, tinyChunks(1, 2, 5));
    await expect(collect(events)).rejects.toThrow(/the loss of chunk 1 of 2 is NaN: in .*L1\.mlp.*up_proj/);
    expect(backend.bytesInUse()).toBe(0);
  });

  it('refuse a gradient that is not finite though the loss is', async () => {
    // Values of 1e37, undone by the output matrix, whose gradient then is more than f32 holds.
    const edit: TinyOptions['edit'] = (tensors) => {
      const scale = (name: string, by: number): void => {
        const { data } = tensors.get(name) ?? expect.unreachable();
        for (let i = 0; i < data.length; i++) data[i] *= by;
      };
      scale('model.layers.0.self_attn.v_proj.weight', 1e37);
      scale('model.layers.0.self_attn.o_proj.weight', 1e-37);
      scale('lm_head.weight', 1e6);
    };
    const source = await tinySource({ edit });
    const backend = referenceBackend();
    const events = lossGradients(backend, source, Mask.empty, tinyChunks(1, 2, 20));
    await expect(collect(events)).rejects.toThrow(
      /the gradient of model\.layers\.0\.self_attn\.o_proj\.weight is .*though the loss is finite/,
    );
    expect(backend.bytesInUse()).toBe(0);
  });

  it('refuse chunks longer than the context', async () => {
    const events = lossGradients(referenceBackend(), await tinySource(), Mask.empty, tinyChunks(1, 1, 65));
    await expect(events.next()).rejects.toThrow(/chunks of 65 tokens exceed the model's 64 positions/);
  });
});

/** `download` alone: what a backend without `read` offers. */
describe('a backend that reads in f32 only', () => {
  it('gives what the other gives, rounded', async () => {
    const source = await tinySource({ family: 'mistral' });
    const chunks = tinyChunks(2, 2, 9);
    const whole = referenceBackend();
    const plain: GradientBackend = referenceBackend();
    Object.defineProperty(plain, 'read', { value: undefined });
    const [one, other] = [
      await collect(lossGradients(plain, source, Mask.empty, chunks)),
      await collect(lossGradients(whole, source, Mask.empty, chunks)),
    ];
    expect(one.gradients).toEqual(other.gradients);
  });
});
