/**
 * What the specs of the search share: backends to run on, chunks of random ids, random masks,
 * drained generators.
 */
import { fc } from '@fast-check/vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { offeredVariants } from '../../src/backends/select.ts';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import type { Chunks } from '../../src/eval/chunks.ts';
import { Mask } from '../../src/model/mask.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import type { SearchEvent } from '../../src/prune/events.ts';
import type { SearchInput } from '../../src/prune/measureStep.ts';
import { localPricer, type LocalPricerOptions } from '../../src/prune/pricing/localPricer.ts';
import { search, type SearchSettings } from '../../src/prune/search.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { blocksInWalkOrder } from '../model/layers.ts';
import { TINY_VOCAB } from '../model/tinyTransformer.ts';

export interface NamedBackend {
  name: string;
  make: () => Promise<Backend>;
}

/** One maker for each kernel variant that this engine knows. */
export function simdBackends(threads: number): NamedBackend[] {
  return offeredVariants().map((variant) => ({
    name: `simd ${variant}, ${threads} threads`,
    make: () => simdBackend({ memoryBytes: 16 * 2 ** 20, threads, spawn: nodeSpawnWorker, variant }),
  }));
}

export const reference: NamedBackend = { name: 'reference', make: () => Promise.resolve(referenceBackend()) };

/** `count` chunks of random ids of a tiny model. */
export function tinyChunks(seed: number, count: number, chunk: number, more: Partial<Chunks> = {}): Chunks {
  const rng = seededRng(seed);
  return {
    convention: 'paper',
    ids: Array.from({ length: count }, () => Int32Array.from({ length: chunk }, () => rng.int(TINY_VOCAB))),
    chunk,
    stride: chunk,
    bos: 'none',
    bosInData: false,
    join: '\n\n',
    ignoredId: null,
    droppedTokens: 0,
    newlines: 'keep',
    sample: null,
    skipped: { chunks: 0, targets: 0 },
    scoredBytes: null,
    texts: null,
    wholeText: true,
    notes: [],
    ...more,
  };
}

/** Any set of a model's blocks, in any order of removal. */
export function someMask(layers: number): fc.Arbitrary<Mask> {
  return fc.shuffledSubarray(blocksInWalkOrder(layers)).map((blocks) => Mask.of(blocks));
}

/** Runs a generator to its end. */
export async function drain<T, R>(generator: AsyncGenerator<T, R>): Promise<{ events: T[]; result: R }> {
  const events: T[] = [];
  let next = await generator.next();
  for (; next.done !== true; next = await generator.next()) events.push(next.value);
  return { events, result: next.value };
}

/** A search of this process, which makes its pricer and closes it. */
export async function* localSearch(
  input: Omit<SearchInput, 'pricer'>,
  { groupSize, checkpointBytes, ...settings }: SearchSettings & LocalPricerOptions,
): AsyncGenerator<SearchEvent, void> {
  const pricer = localPricer(input.model, input.chunks, { groupSize, checkpointBytes });
  try {
    yield* search({ ...input, pricer }, settings);
  } finally {
    await pricer.close();
  }
}

/** The same weights, with every read reported first; `onRead` may throw. */
export function watchReads(source: WeightSource, onRead: (tensor: string) => void): WeightSource {
  return {
    name: source.name,
    config: source.config,
    tensors: source.tensors,
    async tensor(name) {
      onRead(name);
      return source.tensor(name);
    },
    async rows(name, from, to) {
      onRead(name);
      return source.rows(name, from, to);
    },
    contentHash: (hasher) => source.contentHash(hasher),
    assertUnchanged: () => source.assertUnchanged(),
    close: () => source.close(),
  };
}

/** The same backend, and the most bytes it has held after any of its ops. */
export function watchPeak(backend: Backend): { backend: Backend; peak: () => number; reset: () => void } {
  let peak = 0;
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, target, args);
          peak = Math.max(peak, backend.bytesInUse());
          return key === 'scope' ? watch(result as object) : result;
        };
      },
    });
  return { backend: watch(backend), peak: () => peak, reset: () => (peak = backend.bytesInUse()) };
}
