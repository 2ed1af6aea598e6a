/**
 * The bundle as users get it, driven from a page: the facade's own suite; models opened from
 * addresses and from files, pruned on simd and WebGPU; journals that outlive a page.
 */
import { describe, expect, it } from 'vitest';
import type * as Bundle from '../../../src/web/blockpruner.ts';
import type { Golden as HfGolden } from '../../golden/goldenModel.ts';
import { modelSuite } from '../../library/modelSuite.ts';
import type { Golden } from '../../../tiny-models/planted/golden.ts';

const at = (path: string): string => new URL(`../${path}`, import.meta.url).href;
const bundle = (await import(at('bundle/blockpruner.js'))) as typeof Bundle;
const { load, FormatError, NotFoundError } = bundle;

const planted = ['config.json', 'tokenizer.json', 'model.safetensors'].map((name) => {
  return { name, from: at(`planted/${name}`) };
});
const golden = (await (await fetch(at('planted/golden.json'))).json()) as Golden;
const text = await (await fetch(at('data/tiny.txt'))).text();
const [, start] = golden.scores;
const { tokens } = start;

const qwen3 = ['config.json', 'model.safetensors'].map((name) => ({ name, from: at(`golden/qwen3/${name}`) }));
const hasGolden = (await fetch(qwen3[0].from)).ok;

/** What runs, and the result's words for it. */
const backends: { on: string; backend: Bundle.BackendSettings; runs: RegExp }[] = [
  { on: 'simd', backend: { backend: 'simd', threads: 1 }, runs: /^simd \(relaxed-fma, 4 lanes, 1 thread\)$/ },
  {
    on: 'simd, 2 threads',
    backend: { backend: 'simd', threads: 2, variant: 'plain' },
    runs: /^simd \(plain, 4 lanes, 2 threads\)$/,
  },
  { on: 'webgpu', backend: { backend: 'gpu', gpuMode: 'webgpu' }, runs: /^gpu \(webgpu, .+\)$/ },
];

let journals = 0;
describe('the facade, in a worker of a page', () => {
  modelSuite({
    open: (settings) => load(at('planted/'), { threads: 1, memoryBytes: 2 ** 26, ...settings }),
    newJournal: () => `journal${journals++}.jsonl`,
    golden,
    text,
    errors: bundle,
  });
});

async function withModel<T>(
  files: Bundle.ModelFiles,
  settings: Bundle.BackendSettings,
  use: (model: Bundle.Model) => Promise<T>,
): Promise<T> {
  const model = await load(files, { memoryBytes: 2 ** 26, ...settings });
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

/** The golden model's search on the reference backend, which takes its time. */
let expected: Bundle.PruneResult | null = null;

describe.each(backends)('on $on', ({ backend, runs }) => {
  it('the planted model loses all blocks in the golden order', async () => {
    await withModel({ files: planted }, backend, async (model) => {
      expect(model.backend.description).toMatch(runs);
      const result = await model.prune({ data: text, tokens, blocks: golden.order.length });
      expect(result.backend).toMatch(runs);
      expect(result.removed).toEqual(golden.order);
      for (const [index, { ppl }] of result.steps.entries()) {
        expect(Math.abs((ppl ?? NaN) / start.after[index] - 1)).toBeLessThan(1e-4);
      }
    });
  });

  it.skipIf(!hasGolden)('a golden model is pruned as on the reference (skipped without the golden data)', async () => {
    const { ids, ppl, masked } = (await (await fetch(at('golden/qwen3/golden.json'))).json()) as HfGolden;
    const data = ids.flat();
    const chunk = ids[0].length;
    const settings = { data, chunk, blocks: 3 };
    const files = { name: 'qwen3', files: qwen3 };
    expected ??= await withModel(files, { backend: 'reference' }, async (model) => model.prune(settings));
    expect(expected.backend).toMatch(/^reference/);
    const [[mask, one]] = Object.entries(masked);
    await withModel(files, backend, async (model) => {
      for (const [removed, right] of [['', ppl] as const, [mask, one.ppl] as const]) {
        const found = await model.perplexity(data, { chunk, mask: removed });
        expect(found.backend).toMatch(runs);
        expect(Math.abs(found.ppl / right - 1), removed).toBeLessThan(1e-4);
      }
      const { removed } = await model.prune(settings);
      expect(removed).toEqual(expected?.removed);
    });
  });
});

it('opens files that a user chose, and reads of them what it needs', async () => {
  const files = await Promise.all(
    planted.map(async ({ name, from }) => new File([await (await fetch(from)).arrayBuffer()], name)),
  );
  await withModel(files, {}, async (model) => {
    const { ppl } = await model.perplexity(text, { tokens });
    expect(Math.abs(ppl / start.dense - 1)).toBeLessThan(1e-5);
  });
});

it('takes all processors where nothing else is said', async () => {
  await withModel(at('planted/'), {}, async (model) => {
    const { hardwareConcurrency: all } = navigator;
    expect(model.backend.description).toContain(`, ${all} thread${all === 1 ? '' : 's'})`);
  });
});

it('a search goes on from its journal in another worker', async () => {
  const settings = { data: text, tokens, blocks: 3, journal: 'outlives.jsonl' };
  const controller = new AbortController();
  await withModel({ files: planted }, {}, async (model) => {
    const cancelled = async (): Promise<void> => {
      for await (const event of model.prune({ ...settings, signal: controller.signal })) {
        if (event.type === 'step' && event.step === 1) controller.abort();
      }
    };
    await expect(cancelled()).rejects.toMatchObject({ name: 'AbortError' });
  });
  await withModel({ files: planted }, {}, async (model) => {
    const run = model.prune(settings);
    let computed = 0;
    for await (const event of run) if (event.type === 'measured') computed += event.work.done;
    const whole = await model.prune({ ...settings, journal: undefined });
    expect((await run).steps.map(({ ppl }) => ppl)).toEqual(whole.steps.map(({ ppl }) => ppl));
    expect(computed).toBeGreaterThan(0);
  });
});

it('a journal belongs to one page at a time', async () => {
  const settings = { data: text, blocks: 12, journal: 'taken.jsonl', fresh: true };
  await withModel({ files: planted }, {}, async (first) => {
    const search = first.prune(settings);
    for await (const event of search) {
      if (event.type !== 'start') continue;
      await withModel({ files: planted }, {}, async (second) => {
        await expect(Promise.resolve(second.prune(settings))).rejects.toThrow('another page');
      });
      break;
    }
  });
});

describe('errors come over with class, message and remedy', () => {
  const opened = (files: Bundle.ModelFiles, settings: Bundle.BackendSettings = {}): Promise<unknown> => {
    return load(files, settings);
  };

  it('of files', async () => {
    await expect(opened({ files: [{ name: 'config.json', from: at('planted/none.json') }] })).rejects.toThrow(
      NotFoundError,
    );
    await expect(opened(at('data/'))).rejects.toThrow(NotFoundError);
    const broken = { files: [{ name: 'config.json', from: new Blob(['{']) }] };
    await expect(opened(broken)).rejects.toThrow(FormatError);
    await expect(opened(broken)).rejects.toMatchObject({
      name: 'FormatError',
      message: 'config.json: is not valid JSON. Copy or download the file again.',
      where: 'config.json',
      remedy: 'Copy or download the file again.',
    });
  });

  it('of backends: headlessgl is not for browsers', async () => {
    await expect(opened({ files: planted }, { backend: 'gpu', gpuMode: 'headlessgl' })).rejects.toMatchObject({
      name: 'UnsupportedBackendError',
    });
  });
});
