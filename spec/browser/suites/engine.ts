/**
 * The bundle as users get it, driven from a page: models are opened from URLs and from files, pruned on simd and WebGPU,
 * cancelled, and taken up again.
 */
import { describe, expect, it } from 'vitest';
import type * as Bundle from '../../../src/web/blockpruner.ts';
import type { BackendSettings, DataSettings, OpenSettings, WebFile } from '../../../src/web/protocol.ts';
import type { Golden as HfGolden } from '../../golden/goldenModel.ts';
import type { Golden } from '../../../tiny-models/planted/golden.ts';

type Engine = ReturnType<typeof Bundle.startEngine>;

const at = (path: string): string => new URL(`../${path}`, import.meta.url).href;
const { startEngine, FormatError, MaskError, NotFoundError } = (await import(
  at('bundle/blockpruner.js')
)) as typeof Bundle;

const planted = ['config.json', 'tokenizer.json', 'model.safetensors'].map((name) => {
  return { name, from: at(`planted/${name}`) };
});
const golden = (await (await fetch(at('planted/golden.json'))).json()) as Golden;
const text = await (await fetch(at('data/tiny.txt'))).text();
const [, start] = golden.scores;
const data: DataSettings = { data: { name: 'tiny.txt', content: text }, evaluation: { tokens: start.tokens } };

const qwen3 = ['config.json', 'model.safetensors'].map((name) => ({ name, from: at(`golden/qwen3/${name}`) }));
const hasGolden = (await fetch(qwen3[0].from)).ok;

/** What runs, and the result's words for it. */
const backends: { on: string; backend: BackendSettings; runs: RegExp }[] = [
  { on: 'simd', backend: { name: 'simd', threads: 1 }, runs: /^simd \(relaxed-fma, 4 lanes, 1 thread\)$/ },
  {
    on: 'simd, 2 threads',
    backend: { name: 'simd', threads: 2, variant: 'plain' },
    runs: /^simd \(plain, 4 lanes, 2 threads\)$/,
  },
  { on: 'webgpu', backend: { name: 'gpu', gpuMode: 'webgpu' }, runs: /^gpu \(webgpu, .+\)$/ },
];

async function withEngine<T>(
  files: readonly WebFile[],
  backend: BackendSettings,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = startEngine();
  try {
    await engine.open({ name: 'a model', files, backend: { memoryBytes: 2 ** 26, ...backend } });
    return await use(engine);
  } finally {
    engine.end();
  }
}

/** All of a search, as its events and its document. */
async function searched(
  engine: Engine,
  settings: Parameters<Engine['prune']>[0],
): Promise<{ events: Bundle.MethodEvent[]; result: Bundle.PruneResult }> {
  const search = engine.prune(settings);
  const events: Bundle.MethodEvent[] = [];
  for (;;) {
    const next = await search.next();
    if (next.done === true) return { events, result: next.value };
    events.push(next.value);
  }
}

/** The golden model's search on the reference backend, which takes its time. */
let expected: Awaited<ReturnType<typeof searched>> | null = null;

describe.each(backends)('on $on', ({ backend, runs }) => {
  it('the planted model loses all blocks in the golden order', async () => {
    await withEngine(planted, backend, async (engine) => {
      const { events, result } = await searched(engine, {
        ...data,
        kind: 'mix',
        stop: { blocks: golden.order.length },
      });
      expect(result.backend).toMatch(runs);
      expect(result.removed).toEqual(golden.order);
      for (const [index, { ppl }] of result.steps.entries()) {
        expect(Math.abs((ppl ?? NaN) / start.after[index] - 1)).toBeLessThan(1e-4);
      }
      // The events are the search's own, the mask of the last included.
      expect(events.map(({ type }) => type)).toContain('progress');
      const last = events.at(-1);
      expect(last?.type === 'done' && last.mask.toString()).toBe(golden.order.join(','));
    });
  });

  it.skipIf(!hasGolden)('a golden model is pruned as on the reference (skipped without the golden data)', async () => {
    const { ids, ppl, masked } = (await (await fetch(at('golden/qwen3/golden.json'))).json()) as HfGolden;
    const content = JSON.stringify(ids.flat());
    const some: DataSettings = { data: { name: 'ids.json', content }, evaluation: { chunk: ids[0].length } };
    const settings = { ...some, kind: 'mix', stop: { blocks: 3 } } as const;
    expected ??= await withEngine(qwen3, { name: 'reference' }, (engine) => searched(engine, settings));
    expect(expected.result.backend).toMatch(/^reference/);
    const [[mask, one]] = Object.entries(masked);
    await withEngine(qwen3, backend, async (engine) => {
      for (const [removed, right] of [['', ppl] as const, [mask, one.ppl] as const]) {
        const found = await engine.perplexity({ ...some, mask: removed });
        expect(found.backend).toMatch(runs);
        expect(Math.abs(found.ppl / right - 1), removed).toBeLessThan(1e-4);
      }
      const { result } = await searched(engine, settings);
      expect(result.removed).toEqual(expected?.result.removed);
    });
  });
});

it('opens files that a user chose, and reads of them what it needs', async () => {
  const files = await Promise.all(
    planted.map(async ({ name, from }) => ({ name, from: new File([await (await fetch(from)).arrayBuffer()], name) })),
  );
  await withEngine(files, { name: 'simd' }, async (engine) => {
    const { ppl, convention } = await engine.perplexity(data);
    expect(Math.abs(ppl / start.dense - 1)).toBeLessThan(1e-5);
    expect(convention.chunk).toBe(golden.convention.chunk);
  });
});

/** All but what it took: a resumed search has no streams kept from the steps before. */
function outcome(result: Bundle.PruneResult): unknown {
  return { ...result, seconds: null, work: null, steps: result.steps.map((step) => ({ ...step, work: null })) };
}

it('a search that was cancelled goes on from its journal, and ends as one that was not', async () => {
  const settings = {
    ...data,
    kind: 'mix',
    stop: { blocks: 3 },
    journal: { name: 'planted.jsonl', fresh: false },
  } as const;
  const whole = await withEngine(planted, { name: 'simd' }, (engine) => {
    return searched(engine, { ...settings, journal: undefined });
  });
  const controller = new AbortController();
  await withEngine(planted, { name: 'simd' }, async (engine) => {
    const cancelled = async (): Promise<void> => {
      for await (const event of engine.prune(settings, controller.signal)) {
        if (event.type === 'step' && event.step === 1) controller.abort();
      }
    };
    await expect(cancelled()).rejects.toMatchObject({ name: 'AbortError' });
    // The engine is still there for other calls.
    expect((await engine.perplexity(data)).ppl).toBe(whole.result.dense.ppl);
  });
  const resumed = await withEngine(planted, { name: 'simd' }, (engine) => searched(engine, settings));
  const progress = (events: readonly Bundle.MethodEvent[]): number =>
    events.filter(({ type }) => type === 'progress').length;
  expect(progress(resumed.events)).toBeGreaterThan(0);
  expect(progress(resumed.events)).toBeLessThan(progress(whole.events));
  expect(outcome(resumed.result)).toEqual(outcome(whole.result));
});

it('a journal belongs to one page at a time', async () => {
  const settings = {
    ...data,
    kind: 'mix',
    stop: { blocks: 12 },
    journal: { name: 'taken.jsonl', fresh: true },
  } as const;
  await withEngine(planted, { name: 'simd' }, async (first) => {
    const search = first.prune(settings);
    await search.next();
    await withEngine(planted, { name: 'simd' }, async (second) => {
      await expect(searched(second, settings)).rejects.toThrow('another page');
    });
    await search.return(undefined as never);
  });
});

describe('errors come over with class, message and remedy', () => {
  const opened = (settings: Partial<OpenSettings>): Promise<unknown> => {
    const engine = startEngine();
    return engine
      .open({ name: 'a model', files: planted, backend: { name: 'simd' }, ...settings })
      .finally(() => engine.end());
  };

  it('of files', async () => {
    await expect(opened({ files: [{ name: 'config.json', from: at('planted/none.json') }] })).rejects.toThrow(
      NotFoundError,
    );
    const broken = [{ name: 'config.json', from: new Blob(['{']) }];
    await expect(opened({ files: broken })).rejects.toThrow(FormatError);
    await expect(opened({ files: broken })).rejects.toMatchObject({
      name: 'FormatError',
      message: 'config.json: is not valid JSON. Copy or download the file again.',
      where: 'config.json',
      remedy: 'Copy or download the file again.',
    });
  });

  it('of backends: headlessgl is not for browsers', async () => {
    await expect(opened({ backend: { name: 'gpu', gpuMode: 'headlessgl' } })).rejects.toMatchObject({
      name: 'UnsupportedBackendError',
    });
  });

  it('of masks', async () => {
    await withEngine(planted, { name: 'simd' }, async (engine) => {
      await expect(engine.perplexity({ ...data, mask: 'L9.mlp' })).rejects.toThrow(MaskError);
    });
  });
});
