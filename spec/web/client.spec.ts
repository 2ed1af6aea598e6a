/** The engine behind its protocol, page and worker at the two ends of a MessageChannel. The browser's own parts are in spec/browser. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError, MaskError, UnsupportedBackendError, UsageError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import type { MethodEvent } from '../../src/prune/method.ts';
import { Client, type ClientPort } from '../../src/web/client.ts';
import { Engine } from '../../src/web/engine.ts';
import type { DataSettings, OpenSettings, PruneSettings, Request } from '../../src/web/protocol.ts';
import { serve, type ServerPort } from '../../src/web/serve.ts';
import type { Golden } from '../../tiny-models/planted/golden.ts';

const read = (name: string): Buffer => readFileSync(new URL(`../../tiny-models/${name}`, import.meta.url));
const golden = JSON.parse(read('planted/golden.json').toString()) as Golden;
const [, start] = golden.scores;
const data: DataSettings = {
  data: { name: 'tiny.txt', content: read('data/tiny.txt').toString() },
  evaluation: { tokens: start.tokens },
};
const planted: OpenSettings = {
  name: 'planted',
  files: ['config.json', 'tokenizer.json', 'model.safetensors'].map((name) => {
    return { name, from: new Blob([new Uint8Array(read(`planted/${name}`))]) };
  }),
  backend: { name: 'simd', memoryBytes: 2 ** 26 },
};
const search: PruneSettings = { ...data, kind: 'mix', stop: { blocks: 3 } };

/** Journals by name, as a browser keeps them. */
let journals: Map<string, readonly string[]>;
let client: Client;
let asked: Request[];
let end: () => void;

beforeEach(() => {
  journals = new Map();
  asked = [];
  const { port1, port2 } = new MessageChannel();
  const engine = new Engine({
    spawn: null,
    threads: 1,
    openJournal: (name, fresh) => {
      const sink = memoryJournal(fresh ? [] : journals.get(name));
      journals.set(name, sink.all);
      return Promise.resolve(sink);
    },
  });
  port2.addEventListener('message', ({ data: request }) => asked.push(request as Request));
  serve(port2 as unknown as ServerPort, engine);
  client = new Client(port1 as unknown as ClientPort);
  port1.start();
  port2.start();
  end = () => port1.close();
});
afterEach(async () => {
  await client.close().catch(() => {});
  end();
});

async function eventsOf(events: AsyncIterable<MethodEvent>): Promise<MethodEvent[]> {
  const found: MethodEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

it('opens a model, and says what it is and what runs', async () => {
  const info = await client.open(planted);
  expect(info).toMatchObject({ description: 'planted (safetensors)', warnings: [], tokenizerNote: null });
  expect(info.config.layers).toHaveLength(6);
  expect(info.backend).toMatch(/^simd \(.+, 1 thread\)$/);
});

it('takes perplexity under a mask, with its convention and backend', async () => {
  const { backend } = await client.open(planted);
  const dense = await client.perplexity(data);
  expect(Math.abs(dense.ppl / start.dense - 1)).toBeLessThan(1e-5);
  expect(dense).toMatchObject({ mask: '', backend });
  expect(dense.convention.chunk).toBe(golden.convention.chunk);
  const mask = golden.order.slice(0, 2).join(',');
  const masked = await client.perplexity({ ...data, mask });
  expect(Math.abs(masked.ppl / start.after[1] - 1)).toBeLessThan(1e-5);
  expect(masked.mask).toBe(mask);
});

describe('a search', () => {
  it('gives its events and its document', async () => {
    const { backend } = await client.open(planted);
    const events: MethodEvent[] = [];
    const searching = client.prune(search);
    let next = await searching.next();
    for (; next.done !== true; next = await searching.next()) events.push(next.value);
    expect(next.value).toMatchObject({ removed: golden.order.slice(0, 3), backend, version: 'not bundled' });
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(['start', 'progress', 'dense', 'measured', 'step', 'done']),
    );
    const done = events.at(-1);
    expect(done?.type === 'done' && done.mask.blocks).toEqual([
      { layer: 3, kind: 'mha' },
      { layer: 4, kind: 'mha' },
      { layer: 2, kind: 'mlp' },
    ]);
  });

  it('goes on from its journal, and starts over when it is to be fresh', async () => {
    await client.open(planted);
    const progress = async (fresh: boolean): Promise<number> => {
      const events = await eventsOf(client.prune({ ...search, journal: { name: 'j', fresh } }));
      return events.filter(({ type }) => type === 'progress').length;
    };
    expect(await progress(false)).toBeGreaterThan(0);
    expect(await progress(false)).toBe(0);
    expect(await progress(true)).toBeGreaterThan(0);
  });

  it('is heard to be aborted while it runs, and the next call is answered', async () => {
    await client.open(planted);
    const controller = new AbortController();
    const steps: number[] = [];
    const aborted = async (): Promise<void> => {
      for await (const event of client.prune({ ...search, stop: { blocks: 12 } }, controller.signal)) {
        if (event.type === 'step') steps.push(event.step);
        if (event.type === 'step' && event.step === 2) controller.abort();
      }
    };
    await expect(aborted()).rejects.toMatchObject({ name: 'AbortError' });
    expect(steps.at(-1)).toBeLessThan(12);
    expect((await client.perplexity(data)).scoredTokens).toBeGreaterThan(0);
  });

  it('ends when its loop is left', async () => {
    await client.open(planted);
    for await (const event of client.prune({ ...search, stop: { blocks: 12 } })) if (event.type === 'step') break;
    await client.perplexity(data);
    expect(asked.map(({ type }) => type)).toEqual(['open', 'prune', 'cancel', 'perplexity']);
  });
});

it('a call that was aborted before its turn does nothing', async () => {
  await client.open(planted);
  const controller = new AbortController();
  const first = client.perplexity(data);
  const second = client.perplexity(data, controller.signal);
  controller.abort();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  expect((await first).ppl).toBeGreaterThan(1);
});

it('a perplexity is heard to be aborted between chunks', async () => {
  await client.open(planted);
  const controller = new AbortController();
  const whole = client.perplexity({ data: data.data }, controller.signal);
  setTimeout(() => controller.abort(), 0);
  await expect(whole).rejects.toMatchObject({ name: 'AbortError' });
});

describe('errors come over with their class, message, place and remedy', () => {
  it('no model is open', async () => {
    const remedy = 'Open one first.';
    await expect(client.perplexity(data)).rejects.toThrow(UsageError);
    await expect(client.perplexity(data)).rejects.toMatchObject({ message: `no model is open. ${remedy}`, remedy });
  });

  it('masks, data, stop rules, backends', async () => {
    await client.open(planted);
    await expect(client.perplexity({ ...data, mask: 'L6.mha' })).rejects.toThrow(MaskError);
    await expect(client.perplexity({ data: { name: 'x.txt', content: ' ' } })).rejects.toThrow(DataError);
    await expect(eventsOf(client.prune({ ...search, stop: {} }))).rejects.toThrow(UsageError);
    const threads = { ...planted, backend: { name: 'simd', threads: 2 } } as const;
    await expect(client.open(threads)).rejects.toThrow(UnsupportedBackendError);
  });

  it('two files of one name', async () => {
    await expect(client.open({ ...planted, files: [...planted.files, planted.files[0]] })).rejects.toThrow('same name');
  });

  it('a bug is no member of the family and keeps its stack', async () => {
    const broken = { ...planted, files: null as unknown as OpenSettings['files'] };
    await expect(client.open(broken)).rejects.toMatchObject({
      name: 'Error',
      message: expect.stringContaining('TypeError') as string,
    });
  });
});

it('a worker that is gone fails what waits and what comes', async () => {
  await client.open(planted);
  const waiting = client.perplexity(data);
  client.fail(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await expect(client.perplexity(data)).rejects.toThrow('gone');
});

it('addresses are the page’s: relative ones reach the worker whole', async () => {
  const sent: unknown[] = [];
  const page = new Client(
    { postMessage: (request) => void sent.push(request), addEventListener: () => {} },
    'https://example.org/app/page.html?x#y',
  );
  const blob = new Blob(['{}']);
  const places = ['models/config.json', '/root.json', '../up.json', 'https://other.example/a b.gguf', blob];
  const files = places.map((from, index) => ({ name: `file${index}`, from }));
  void page.open({ name: 'planted', files, backend: { name: 'auto' } });
  const [{ settings }] = sent as [{ settings: OpenSettings }];
  expect(settings.files.map(({ from }) => from)).toEqual([
    'https://example.org/app/models/config.json',
    'https://example.org/root.json',
    'https://example.org/up.json',
    'https://other.example/a%20b.gguf',
    blob,
  ]);
  const broken = { name: 'x', files: [{ name: 'a', from: 'https://' }], backend: { name: 'auto' } } as const;
  await expect(page.open({ ...broken, files: [...broken.files] })).rejects.toThrow(UsageError);
});
