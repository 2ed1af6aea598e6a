import { UsageError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { Layered } from '../model/config.ts';
import { Mask } from '../model/mask.ts';
import type { PruneResult } from '../prune/result.ts';
import type { MethodEvent } from '../prune/method.ts';
import type {
  Calls,
  OpenedInfo,
  OpenSettings,
  PerplexityResult,
  PerplexitySettings,
  PruneSettings,
  Reply,
  Request,
  WireEvent,
} from './protocol.ts';
import { fromWire } from './wireError.ts';

/** The page's end of the line: a Worker, or a MessagePort. */
export interface ClientPort {
  postMessage(request: Request): void;
  addEventListener(type: 'message', listener: (event: { data: Reply }) => void): void;
}

interface Pending {
  onEvent: (event: WireEvent) => void;
  resolve: (result: Calls[keyof Calls]['result']) => void;
  reject: (error: Error) => void;
}

/**
 * The engine as a page sees it. Calls are answered in the order they were made. An error of the
 * engine is thrown here, of the same class and with the same message; an aborted signal makes its
 * call throw AbortError.
 */
export class Client {
  readonly #port: ClientPort;
  readonly #base: string | undefined;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #model: Layered = { layers: [] };
  #broken: Error | null = null;

  /**
   * @param base the page's address, which a file's address may be relative to: the worker has
   * another one.
   */
  constructor(port: ClientPort, base?: string) {
    this.#port = port;
    this.#base = base;
    port.addEventListener('message', ({ data }) => this.#take(data));
  }

  /**
   * Opens a model and a backend for it, in place of those before.
   * @throws as Engine.open; UsageError for an address that is none.
   */
  async open(settings: OpenSettings, signal?: AbortSignal): Promise<OpenedInfo> {
    const files = settings.files?.map(({ name, from }) => ({ name, from: absolute(from, this.#base) }));
    const info = await this.#call('open', { ...settings, files }, signal);
    this.#model = info.config;
    return info;
  }

  /** @throws as Engine.perplexity. */
  perplexity(settings: PerplexitySettings, signal?: AbortSignal): Promise<PerplexityResult> {
    return this.#call('perplexity', settings, signal);
  }

  /**
   * The search's events as they happen, and at the end its document. Leaving the loop ends the
   * search.
   * @throws as Engine.prune.
   */
  async *prune(settings: PruneSettings, signal?: AbortSignal): AsyncGenerator<MethodEvent, PruneResult> {
    const waiting: WireEvent[] = [];
    let wake = (): void => {};
    const abandoned = new AbortController();
    const either = signal === undefined ? abandoned.signal : AbortSignal.any([signal, abandoned.signal]);
    let ended = false;
    const outcome = this.#call('prune', settings, either, (event) => {
      waiting.push(event);
      wake();
    }).finally(() => {
      ended = true;
      wake();
    });
    // Who leaves the loop does not wait for it.
    outcome.catch(() => {});
    try {
      for (;;) {
        const event = waiting.shift();
        if (event !== undefined) yield searchEvent(event, this.#model);
        else if (ended) break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      return await outcome;
    } finally {
      abandoned.abort();
    }
  }

  /** Closes the model and its backend. */
  async close(): Promise<void> {
    await this.#call('close', null);
  }

  /** Ends all calls with this error, those that are still to come included: the worker is gone. */
  fail(error: Error): void {
    this.#broken = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #call<K extends keyof Calls>(
    type: K,
    settings: Calls[K]['settings'],
    signal?: AbortSignal,
    onEvent: (event: WireEvent) => void = () => {},
  ): Promise<Calls[K]['result']> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    const id = this.#calls++;
    const result = new Promise<Calls[keyof Calls]['result']>((resolve, reject) => {
      this.#pending.set(id, { onEvent, resolve, reject });
    });
    this.#post({ type, id, settings } as Request);
    const cancel = (): void => this.#post({ type: 'cancel', id });
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel);
    // The worker answers a call with what the call gives.
    return result.finally(() => signal?.removeEventListener('abort', cancel)) as Promise<Calls[K]['result']>;
  }

  #take(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (reply.type === 'event') {
      pending?.onEvent(reply.event);
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.type === 'done') pending?.resolve(reply.result);
    else pending?.reject(fromWire(reply.error));
  }

  #post(request: Request): void {
    // A worker takes no target origin; a window does.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#port.postMessage(request);
  }
}

/** An address as it is wherever it is read; a blob stays one. */
function absolute(from: string | Blob, base: string | undefined): string | Blob {
  if (typeof from !== 'string') return from;
  const url = URL.parse(from, base);
  if (url === null) throw new UsageError(`${quoted(from)} is no address of a file.`, { where: 'files' });
  return url.href;
}

function searchEvent(event: WireEvent, model: Layered): MethodEvent {
  return event.type === 'done' ? { ...event, mask: Mask.parse(event.mask, model) } : event;
}
