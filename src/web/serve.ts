import { UsageError } from '../errors.ts';
import { openFolderModel } from '../formats/modelFiles.ts';
import type { Model } from '../library/model.ts';
import { openLocal } from '../library/openLocal.ts';
import type { Platform } from '../library/platform.ts';
import type { Calls, CallRequest, ModelInfo, OpenSettings, Reply, Request } from './protocol.ts';
import { webFolder } from './webFolder.ts';
import { toWire } from './wireError.ts';

/** The worker's end of the line: its global scope, or a MessagePort. */
export interface ServerPort {
  postMessage(reply: Reply): void;
  addEventListener(type: 'message', listener: (event: { data: Request }) => void): void;
}

type Result = Calls[keyof Calls]['result'];
type Emit = (event: Calls[keyof Calls]['event']) => void;

/** Answers a page's requests with one model, which says itself in what order they run. */
export function serve(port: ServerPort, platform: Platform): void {
  const wanted = new Map<number, AbortController>();
  let model: Promise<Model> | null = null;
  const answer = async (request: CallRequest, signal: AbortSignal, emit: Emit): Promise<Result> => {
    if (request.type === 'open') {
      if (model !== null) throw new UsageError('a model is open already.', { remedy: 'Load another one anew.' });
      model = open(request.settings, platform);
      // Whoever asks for something hears why there is none.
      model.catch(() => {});
    }
    if (model === null) throw new UsageError('no model is open.', { remedy: 'Open one first.' });
    return called(await model, request, signal, emit);
  };
  const reply = async (request: CallRequest): Promise<void> => {
    const { id } = request;
    const controller = new AbortController();
    wanted.set(id, controller);
    try {
      const result = await answer(request, controller.signal, (event) => post(port, { type: 'event', id, event }));
      post(port, { type: 'done', id, result });
    } catch (error) {
      post(port, { type: 'failed', id, error: toWire(error) });
    }
    wanted.delete(id);
  };
  port.addEventListener('message', ({ data: request }) => {
    if (request.type === 'cancel') wanted.get(request.id)?.abort();
    else void reply(request);
  });
}

async function open({ files, name, backend }: OpenSettings, platform: Platform): Promise<Model> {
  return openLocal(await openFolderModel(webFolder(name, files), name), backend, platform);
}

async function called(model: Model, request: CallRequest, signal: AbortSignal, emit: Emit): Promise<Result> {
  switch (request.type) {
    case 'open':
      if (signal.aborted) await model.close();
      signal.throwIfAborted();
      return infoOf(model);
    case 'perplexity':
      return model.perplexity(request.settings.data, { ...request.settings.settings, signal });
    case 'prune': {
      const run = model.prune({ ...request.settings, signal });
      for await (const event of run) emit(event);
      return run;
    }
    case 'repair': {
      const run = model.repair({ ...request.settings, signal });
      for await (const event of run) emit(event);
      return run;
    }
    case 'generate': {
      const run = model.generate(request.settings.prompt, { ...request.settings.settings, signal });
      for await (const piece of run) emit(piece);
      return run.completion();
    }
    case 'heal': {
      const run = model.heal({ ...request.settings, signal });
      for await (const event of run) emit(event);
      return run;
    }
    case 'encode':
      return model.tokenizer?.encode(request.settings.text, { signal }) ?? [];
    case 'decode':
      return model.tokenizer?.decode(request.settings.ids, { signal }) ?? '';
    case 'close':
      await model.close();
      return null;
  }
}

function infoOf({ description, config, parameters, warnings, tokenizer, tokenizerNote, backend }: Model): ModelInfo {
  const info = { description, config, parameters, warnings, tokenizerNote, backend };
  if (tokenizer === null) return { ...info, tokenizer: null };
  const { description: kind, vocabSize, bosTokenId, eosTokenId, addsBos } = tokenizer;
  return { ...info, tokenizer: { description: kind, vocabSize, bosTokenId, eosTokenId, addsBos } };
}

function post(port: ServerPort, reply: Reply): void {
  // A worker's scope and a port take no target origin; a window does.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  port.postMessage(reply);
}
