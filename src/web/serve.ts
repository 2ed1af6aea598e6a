import type { MethodEvent } from '../prune/method.ts';
import type { Engine } from './engine.ts';
import type { Calls, CallRequest, Reply, Request, WireEvent } from './protocol.ts';
import { toWire } from './wireError.ts';

/** The worker's end of the line: its global scope, or a MessagePort. */
export interface ServerPort {
  postMessage(reply: Reply): void;
  addEventListener(type: 'message', listener: (event: { data: Request }) => void): void;
}

/** Answers a page's requests, one after the other. */
export function serve(port: ServerPort, engine: Engine): void {
  const wanted = new Map<number, AbortController>();
  let last: Promise<void> = Promise.resolve();
  const inTurn = async (before: Promise<void>, request: CallRequest, signal: AbortSignal): Promise<void> => {
    await before;
    const { id } = request;
    const onEvent = (event: MethodEvent): void => post(port, { type: 'event', id, event: wireEvent(event) });
    try {
      signal.throwIfAborted();
      post(port, { type: 'done', id, result: await answer(engine, request, signal, onEvent) });
    } catch (error) {
      post(port, { type: 'failed', id, error: toWire(error) });
    }
    wanted.delete(id);
  };
  port.addEventListener('message', ({ data: request }) => {
    if (request.type === 'cancel') {
      wanted.get(request.id)?.abort();
      return;
    }
    const controller = new AbortController();
    wanted.set(request.id, controller);
    last = inTurn(last, request, controller.signal);
  });
}

async function answer(
  engine: Engine,
  request: CallRequest,
  signal: AbortSignal,
  onEvent: (event: MethodEvent) => void,
): Promise<Calls[keyof Calls]['result']> {
  switch (request.type) {
    case 'open':
      return engine.open(request.settings);
    case 'perplexity':
      return engine.perplexity(request.settings, signal);
    case 'close':
      await engine.close();
      return null;
    case 'prune': {
      const events = engine.prune(request.settings, signal);
      for (;;) {
        const next = await events.next();
        if (next.done === true) return next.value;
        onEvent(next.value);
      }
    }
  }
}

function wireEvent(event: MethodEvent): WireEvent {
  return event.type === 'done' ? { ...event, mask: event.mask.toString() } : event;
}

function post(port: ServerPort, reply: Reply): void {
  // A worker's scope and a port take no target origin; a window does.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  port.postMessage(reply);
}
