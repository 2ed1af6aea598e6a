import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backends/backend.ts';
import { gpuBackend } from '../../../src/backends/gpu/gpuBackend.ts';
import { Mask } from '../../../src/model/mask.ts';
import { Transformer } from '../../../src/model/transformer.ts';
import { bundleSize, Bundles, type Bundle } from '../../../src/prune/pricing/bundles.ts';
import { candidatesLeft, pruneKinds } from '../../../src/prune/candidates.ts';
import { StreamHolders } from '../../../src/prune/pricing/streamHolders.ts';
import { sweep } from '../../../src/prune/pricing/sweep.ts';
import { keeping } from './keeping.ts';
import { normals, seeds } from '../../arbitraries.ts';
import { layersOf } from '../../model/layers.ts';
import { families, tinySource, tinyTransformer } from '../../model/tinyTransformer.ts';
import { watchOps } from '../../model/watchOps.ts';
import { stacking } from './stacking.ts';
import { budgets, documentOf, tinyRun } from '../tinyRun.ts';
import { drain, reference, simdBackends, tinyChunks, watchReads, type NamedBackend } from '../tinySearch.ts';

const LAYERS = 3;
const gpu: NamedBackend = { name: 'gpu (cpu)', make: () => gpuBackend({ mode: 'cpu' }) };

const someCase = fc.record({
  family: fc.constantFrom(...families),
  seed: seeds,
  kind: fc.constantFrom(...pruneKinds),
  count: fc.integer({ min: 1, max: 3 }),
  chunk: fc.integer({ min: 2, max: 7 }),
});

/**
 * Steps of a search that removes any candidate and prices some of those left, each with bundles of
 * its own size.
 */
const someSteps = fc.array(
  fc.record({
    pick: fc.nat(),
    priced: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
    streams: fc.constantFrom(1, 2, 3, 4, 100),
  }),
  { minLength: 1, maxLength: 4 },
);

for (const { name, make, runs } of [
  { ...reference, runs: 40 },
  ...simdBackends(1).map((simd) => ({ ...simd, runs: 25 })),
  { ...gpu, runs: 6 },
]) {
  describe(`a sweep in bundles on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await make();
    });
    afterAll(() => backend.dispose());

    test.prop([someCase, someSteps, fc.constantFrom(0, 10, 200)], { numRuns: runs })(
      'gives the bits and the passes of one without, from step to step, and leaves nothing behind',
      async ({ family, seed, kind, count, chunk }, steps, room) => {
        const { model } = await tinyTransformer({ family, layers: LAYERS, seed, backend });
        const { ids } = tinyChunks(seed, count, chunk);
        // Makes the RoPE table and packs the weights, which stay.
        await model.nll(ids, Mask.empty);
        const before = backend.bytesInUse();
        const budget = room * count * chunk * model.config.hiddenSize * 4;
        const [single, bundled] = [keeping(backend, budget), keeping(backend, budget)];
        let mask = Mask.empty;
        for (const { pick, priced, streams } of steps) {
          const left = candidatesLeft(kind, layersOf(LAYERS), mask);
          if (left.length === 0) break;
          const candidates = left.filter((_, index) => priced[index % priced.length]);
          const expected = await drain(sweep(model, ids, mask, candidates, { ...single, bundle: 1 }));
          const found = await drain(sweep(model, ids, mask, candidates, { ...bundled, bundle: streams }));
          expect(found.result).toEqual(expected.result);
          expect(bundled.checkpoints.bytes).toBe(single.checkpoints.bytes);
          mask = mask.with(left[pick % left.length].blocks);
        }
        for (const { checkpoints } of [single, bundled]) checkpoints.free();
        expect(backend.bytesInUse()).toBe(before);
        model.free();
        expect(backend.bytesInUse()).toBe(0);
      },
    );
  });
}

describe('how often blocks run', () => {
  const runsOf = async (make: NamedBackend['make'], kind: 'mix' | 'layer', streams: number): Promise<number> => {
    const ops: string[] = [];
    const backend = watchOps(await make(), (op) => ops.push(op));
    const { model } = await tinyTransformer({ layers: 4, backend });
    const candidates = candidatesLeft(kind, layersOf(4), Mask.empty);
    await drain(sweep(model, tinyChunks(1, 1, 3).ids, Mask.empty, candidates, { bundle: streams }));
    await backend.dispose();
    return ops.filter((op) => op === 'attention' || op === 'swiglu').length;
  };

  test.prop([fc.integer({ min: 1, max: 9 })])(
    'block i has ⌈i / size⌉ bundles and the unpruned stream',
    async (size) => {
      const expected = Array.from({ length: 8 }, (_, block) => 1 + Math.ceil(block / size));
      expect(await runsOf(reference.make, 'mix', size)).toBe(expected.reduce((sum, runs) => sum + runs, 0));
    },
  );

  it.each([
    // Unpruned 8; forks are past their layers at L1, L2 and L3: 2 · (1 + 2 + 3), or in one bundle
    // 2 · 3.
    ['layer', 1, 8 + 12],
    ['layer', 100, 8 + 6],
    ['mix', 1, 36],
    ['mix', 100, 15],
  ] as const)('%s on a GPU, %i to a bundle: %i times', async (kind, streams, runs) => {
    expect(await runsOf(gpu.make, kind, streams)).toBe(runs);
  });

  it('without bundles nothing is stacked or copied', async () => {
    const ops: string[] = [];
    const backend = watchOps(await reference.make(), (op) => ops.push(op));
    const { model } = await tinyTransformer({ layers: 3, backend });
    const { ids } = tinyChunks(1, 2, 5);
    const kept = keeping(backend, 2 ** 20);
    let mask = Mask.empty;
    for (const removed of ['L2.mlp', 'L1.mha']) {
      await drain(sweep(model, ids, mask, candidatesLeft('mix', layersOf(3), mask), kept));
      mask = mask.with(Mask.parse(removed, layersOf(3)).blocks);
    }
    expect(ops).not.toContain('stack');
    expect(ops).not.toContain('view');
  });

  it('by default bundles are as large as the backend asks for', async () => {
    const ops: string[] = [];
    const backend = watchOps(await reference.make(), (op) => ops.push(op));
    const { model } = await tinyTransformer({ layers: 3, backend: stacking(backend, 2 ** 20) });
    const { ids } = tinyChunks(1, 2, 5);
    await drain(sweep(model, ids, Mask.empty, candidatesLeft('mix', layersOf(3), Mask.empty)));
    expect(ops.filter((op) => op === 'attention' || op === 'swiglu')).toHaveLength(11);
  });
});

describe('a whole search', () => {
  it.each([
    ['exact', undefined],
    ['race', { confidence: 0.9, seed: 1 }],
  ] as const)('%s: stacks where its memory plan has room, and finds the same', async (_, race) => {
    const found = async (
      stackBytes: number,
      activationBytes: number,
    ): Promise<{ stacks: number; document: unknown }> => {
      let stacks = 0;
      const backend = stacking(
        watchOps(await reference.make(), (op) => void (op === 'stack' && stacks++)),
        stackBytes,
      );
      const { options } = await tinyRun(undefined, { activationBytes, race }, {}, backend);
      return { document: await documentOf(options), stacks };
    };
    const plain = await found(0, 2 ** 20);
    expect(plain.stacks).toBe(0);
    const roomy = await found(2 ** 20, 2 ** 20);
    expect(roomy.stacks).toBeGreaterThan(0);
    // One chunk's streams and no more.
    const tight = await found(2 ** 20, budgets[0]);
    expect(tight.stacks).toBe(0);
    for (const { document } of [roomy, tight]) expect(document).toEqual(plain.document);
  });
});

describe('bundleSize', async () => {
  const configs = await Promise.all(families.map(async (family) => (await tinySource({ family })).config));
  /**
   * Results of the widest projection: 24 wide MLPs, queries of 4 · 6; GPT-2's q | k | v are 3 ·
   * 16.
   */
  const widest = new Map(families.map((family) => [family, family === 'gpt2' ? 48 : 24]));

  test.prop([fc.constantFrom(...configs), fc.integer({ min: 1, max: 4096 }), fc.nat(2 ** 27)])(
    'keeps the widest result within stackBytes and could not be larger, but is one at the least',
    (config, rows, stackBytes) => {
      const size = bundleSize(config, rows, stackBytes);
      const bytes = 4 * rows * (widest.get(config.family) ?? NaN);
      expect(size).toBeGreaterThanOrEqual(1);
      if (size > 1) expect(size * bytes).toBeLessThanOrEqual(stackBytes);
      expect((size + 1) * bytes).toBeGreaterThan(stackBytes);
      expect(bundleSize(config, rows, 0)).toBe(1);
    },
  );
});

describe('Bundles', () => {
  const someSize = fc.integer({ min: 1, max: 5 });
  const someNames = fc.uniqueArray(fc.constantFrom(...'abcdefghij'), { minLength: 1 });

  /** Each candidate's two rows. */
  const streamOf = (name: string): Float32Array => normals(name.charCodeAt(0), 6);

  async function contentsOf(backend: Backend, bundles: readonly Bundle[]): Promise<[string, Float32Array][]> {
    const contents: [string, Float32Array][] = [];
    for (const { names, stream } of bundles) {
      const rows = await backend.download(stream);
      for (const [at, name] of names.entries()) contents.push([name, rows.slice(at * 6, (at + 1) * 6)]);
    }
    return contents;
  }

  test.prop([someNames, someSize, fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }), fc.option(fc.nat())])(
    'carry each stream under its name, in as few bundles as the rule makes them, past any choice of streams',
    async (all, size, chosen, some) => {
      const backend = await reference.make();
      const holders = new StreamHolders(backend);
      const first = new Bundles(holders, size);
      for (const name of all) {
        const stream = backend.store(streamOf(name), 2, 3);
        holders.hold(stream);
        first.add(name, stream, 0);
        holders.release(stream);
        first.stack(0);
      }
      expect(first.all).toHaveLength(Math.ceil(all.length / size));

      const wanted = all.filter((_, index) => chosen[index]);
      const alone = some === null || wanted.length === 0 ? undefined : wanted[some % wanted.length];
      const second = new Bundles(holders, size);
      second.take(first.all, new Set(wanted));
      first.release();
      // One of them is ahead by a block.
      const ahead = second.all.findIndex(({ names }) => alone !== undefined && names.includes(alone));
      if (ahead >= 0) {
        const { stream } = second.all[ahead];
        holders.hold(stream);
        second.replace(ahead, stream, 1);
        holders.release(stream);
      }
      const taken = second.all.map(({ names }) => names);
      second.stack(0);
      expect(await contentsOf(backend, second.all)).toEqual(wanted.map((name) => [name, streamOf(name)]));
      for (const [index, { names }] of second.all.entries()) {
        const next = second.all.at(index + 1)?.names ?? [];
        const mayJoin = next.length > 0 && alone !== undefined && ![...names, ...next].includes(alone);
        if (mayJoin || (alone === undefined && next.length > 0)) {
          expect(names.length + next.length).toBeGreaterThan(size);
        }
        // Nobody was stacked with the fork that stays alone.
        if (alone !== undefined && names.includes(alone)) expect(taken).toContainEqual(names);
      }
      second.release();
      expect(backend.bytesInUse()).toBe(0);
    },
  );
});

describe('a sweep in bundles that does not come to its end', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('frees its streams when abandoned after %i blocks', async (blocks) => {
    const { model } = await tinyTransformer({ layers: 3 });
    const { ids } = tinyChunks(1, 2, 5);
    await model.nll(ids, Mask.empty);
    const before = model.backend.bytesInUse();
    let seen = 0;
    for await (const _ of sweep(model, ids, Mask.empty, candidatesLeft('mix', layersOf(3), Mask.empty), {
      bundle: 2,
    })) {
      if (seen++ === blocks) break;
    }
    expect(model.backend.bytesInUse()).toBe(before);
  });

  test.prop([fc.nat(400), fc.constantFrom('mix', 'layer'), fc.boolean()], { numRuns: 60 })(
    'frees its streams whichever op or read fails, a stack included',
    async (at, kind, kept) => {
      let left = Infinity;
      const fail = (): void => {
        if (left-- <= 0) throw new Error('gone');
      };
      const inner = await reference.make();
      const source = watchReads(await tinySource({ layers: 3 }), fail);
      const model = await Transformer.load(source, watchOps(inner, fail), 2 ** 20);
      const { ids } = tinyChunks(1, 2, 5);
      await model.nll(ids, Mask.empty);
      const before = inner.bytesInUse();
      const memory = { ...keeping(model.backend, kept ? 2 ** 20 : 0), bundle: 3 };
      let mask = Mask.empty;
      // The second step begins by taking some of the first one's streams.
      await drain(sweep(model, ids, mask, candidatesLeft(kind, layersOf(3), mask), memory));
      mask = mask.with(candidatesLeft(kind, layersOf(3), mask)[2].blocks);
      left = at;
      const walk = drain(sweep(model, ids, mask, candidatesLeft(kind, layersOf(3), mask).slice(1), memory));
      const failed = await walk.then(
        () => false,
        () => true,
      );
      expect(failed).toBe(left < 0);
      memory.checkpoints.free();
      expect(inner.bytesInUse()).toBe(before);
    },
  );
});
