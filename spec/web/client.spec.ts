/**
 * The facade in a page: page and worker at the two ends of a MessageChannel. What only a browser
 * has is in spec/browser.
 */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import * as errors from '../../src/errors.ts';
import type { BackendSettings, Model } from '../../src/library/model.ts';
import { memoryFiles } from '../../src/platform/files.ts';
import { memoryJournal } from '../../src/platform/journalSink.ts';
import { thisMachine } from '../../src/platform/nodeMachine.ts';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { openRemote } from '../../src/web/client.ts';
import { Line, type ClientPort } from '../../src/web/line.ts';
import type { OpenSettings, Request, WebFile } from '../../src/web/protocol.ts';
import { serve, type ServerPort } from '../../src/web/serve.ts';
import type { Golden } from '../../tiny-models/planted/golden.ts';
import { modelSuite } from '../library/modelSuite.ts';

const { AccessError, DisposedError, FormatError, UsageError } = errors;
const read = (name: string): Buffer => readFileSync(new URL(`../../tiny-models/${name}`, import.meta.url));
const golden = JSON.parse(read('planted/golden.json').toString()) as Golden;
const text = read('data/tiny.txt').toString();
const files: WebFile[] = ['config.json', 'tokenizer.json', 'model.safetensors'].map((name) => {
  return { name, from: new Blob([new Uint8Array(read(`planted/${name}`))]) };
});

/** Journals by name, as a browser keeps them. */
const journals = new Map<string, readonly string[]>();
const ends: (() => void)[] = [];
afterAll(() => ends.forEach((end) => end()));

/** A page's line to a worker that is none, and what was asked over it. */
function connect(): { line: Line; asked: Request[]; end: () => void } {
  const { port1, port2 } = new MessageChannel();
  const asked: Request[] = [];
  port2.addEventListener('message', ({ data: request }) => asked.push(request as Request));
  serve(port2 as unknown as ServerPort, {
    version: 'any',
    surroundings: thisMachine(),
    spawn: null,
    widen: null,
    offerWebGpu: null,
    threads: 1,
    memoryBytes: 2 ** 26,
    newHasher: nodeHasher,
    openJournal: (name, fresh) => {
      const sink = memoryJournal(fresh ? [] : journals.get(name));
      journals.set(name, sink.all);
      return Promise.resolve(sink);
    },
    openFiles: () => Promise.resolve(memoryFiles('fitted tensors')),
  });
  port1.start();
  port2.start();
  const end = (): void => port1.close();
  ends.push(end);
  return { line: new Line(port1 as unknown as ClientPort), asked, end };
}

function open(backend: BackendSettings = {}, settings: Partial<OpenSettings> = {}): Promise<Model> {
  const { line, end } = connect();
  return openRemote(line, { name: 'planted', files, backend, end, ...settings });
}

describe('a model behind messages', () => {
  modelSuite({ open, newJournal: () => `journal${journals.size}`, golden, text, errors });
});

it('a call that is not wanted any more is cancelled once, and closing ends the worker', async () => {
  const { line, asked } = connect();
  const ended: string[] = [];
  const model = await openRemote(line, { name: 'planted', files, backend: {}, end: () => ended.push('end') });
  for await (const event of model.prune({ data: text, blocks: 12 })) if (event.type === 'step') break;
  await model.perplexity(text, { tokens: 512 });
  await Promise.all([model.close(), model.close()]);
  expect(asked.map(({ type }) => type)).toEqual(['open', 'prune', 'cancel', 'perplexity', 'close']);
  expect(ended).toEqual(['end']);
});

describe('errors come over with class, message, place and remedy', () => {
  it('of files, and the worker is ended', async () => {
    const ended: string[] = [];
    const end = (): void => void ended.push('end');
    const { line } = connect();
    const broken = [{ name: 'config.json', from: new Blob(['{']) }];
    const opening = openRemote(line, { name: 'planted', files: broken, backend: {}, end });
    await expect(opening).rejects.toThrow(FormatError);
    await expect(opening).rejects.toMatchObject({
      message: 'config.json: is not valid JSON. Copy or download the file again.',
      where: 'config.json',
      remedy: 'Copy or download the file again.',
    });
    expect(ended).toEqual(['end']);
  });

  it('two files of one name', async () => {
    await expect(open({}, { files: [...files, files[0]] })).rejects.toThrow('same name');
  });

  it('a bug is not a member of the family and keeps its stack', async () => {
    await expect(open({}, { files: null as unknown as WebFile[] })).rejects.toMatchObject({
      name: 'Error',
      message: expect.stringContaining('TypeError') as string,
    });
  });

  it('what cannot be sent is said here', async () => {
    const model = await open();
    const settings = { chunk: (() => 2) as unknown as number };
    await expect(model.perplexity(text, settings)).rejects.toThrow('cannot be sent');
    await expect(model.perplexity(text, settings)).rejects.toThrow(UsageError);
    await model.close();
  });

  it('a worker holds one model, and none before it was opened', async () => {
    const { line } = connect();
    await expect(line.call('encode', { text })).rejects.toThrow('no model is open. Open one first.');
    await line.call('open', { name: 'planted', files, backend: {} });
    await expect(line.call('open', { name: 'planted', files, backend: {} })).rejects.toThrow('open already');
    await line.call('close', null);
  });
});

it('an opening that is aborted throws the reason', async () => {
  const { line } = connect();
  const reason = new Error('never mind');
  const signal = AbortSignal.abort(reason);
  const ended: string[] = [];
  const settings = { name: 'planted', files, backend: {}, end: () => void ended.push('end') };
  await expect(openRemote(line, { ...settings, signal })).rejects.toBe(reason);
  const controller = new AbortController();
  const opening = openRemote(connect().line, { ...settings, signal: controller.signal });
  controller.abort(reason);
  await expect(opening).rejects.toBe(reason);
  expect(ended).toEqual(['end', 'end']);
});

it('a worker that is gone fails what waits and what comes, and closes all the same', async () => {
  const { line } = connect();
  const model = await openRemote(line, { name: 'planted', files, backend: {} });
  const waiting = model.perplexity(text);
  const run = model.prune({ data: text, blocks: 1 });
  line.fail(new AccessError('gone.'));
  await expect(waiting).rejects.toThrow('gone');
  await expect(Promise.resolve(run)).rejects.toThrow('gone');
  await expect(model.perplexity(text)).rejects.toThrow(AccessError);
  await model.close();
  await expect(model.perplexity(text)).rejects.not.toThrow(DisposedError);
});

it('addresses are the page’s: relative ones reach the worker whole', async () => {
  const sent: unknown[] = [];
  const line = new Line({ postMessage: (request) => void sent.push(request), addEventListener: () => {} });
  const base = 'https://example.org/app/page.html?x#y';
  const blob = new Blob(['{}']);
  const places = ['models/config.json', '/root.json', '../up.json', 'https://other.example/a b.gguf', blob];
  const named = places.map((from, index) => ({ name: `file${index}`, from }));
  void openRemote(line, { name: 'planted', files: named, backend: {}, base });
  const [{ settings }] = sent as [{ settings: OpenSettings }];
  expect(settings.files.map(({ from }) => from)).toEqual([
    'https://example.org/app/models/config.json',
    'https://example.org/root.json',
    'https://example.org/up.json',
    'https://other.example/a%20b.gguf',
    blob,
  ]);
  const broken = [{ name: 'a', from: 'https://' }];
  await expect(openRemote(line, { name: 'x', files: broken, backend: {}, base })).rejects.toThrow(UsageError);
});
