import { UsageError } from '../errors.ts';
import type { Signal } from '../library/model.ts';
import { follow } from '../library/signals.ts';
import type { Calls, Reply, Request } from './protocol.ts';
import { fromWire } from './wireError.ts';

/** The page's end of the line: a Worker, or a MessagePort. */
export interface ClientPort {
  postMessage(request: Request): void;
  addEventListener(type: 'message', listener: (event: { data: Reply }) => void): void;
}

interface Pending {
  onEvent: (event: Calls[keyof Calls]['event']) => void;
  resolve: (result: Calls[keyof Calls]['result']) => void;
  reject: (error: unknown) => void;
}

/**
 * Calls of the page to its worker. An error of the worker is thrown here, of the same class and
 * with the same message; an aborted signal makes its call throw the signal's reason.
 */
export class Line {
  readonly #port: ClientPort;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #broken: { reason: unknown } | null = null;

  constructor(port: ClientPort) {
    this.#port = port;
    port.addEventListener('message', ({ data }) => this.#take(data));
  }

  /** Whether `fail` was called: nobody answers any more. */
  get broken(): boolean {
    return this.#broken !== null;
  }

  async call<K extends keyof Calls>(
    type: K,
    settings: Calls[K]['settings'],
    signal?: Signal,
    onEvent: (event: Calls[K]['event']) => void = () => {},
  ): Promise<Calls[K]['result']> {
    if (this.#broken !== null) throw this.#broken.reason;
    const controller = new AbortController();
    const unfollow = follow(controller, signal);
    const id = this.#calls++;
    const result = new Promise<Calls[keyof Calls]['result']>((resolve, reject) => {
      this.#pending.set(id, { onEvent: onEvent as Pending['onEvent'], resolve, reject });
    });
    try {
      this.#post({ type, id, settings } as Request);
      const cancel = (): void => this.#post({ type: 'cancel', id });
      if (controller.signal.aborted) cancel();
      controller.signal.addEventListener('abort', cancel);
      // The worker answers a call with what the call gives.
      return (await result) as Calls[K]['result'];
    } catch (error) {
      const aborted = controller.signal.aborted && (error as Error).name === 'AbortError';
      throw aborted ? controller.signal.reason : error;
    } finally {
      this.#pending.delete(id);
      unfollow();
    }
  }

  /** Ends all calls with this error, those that are still to come included: the worker is gone. */
  fail(reason: unknown): void {
    this.#broken ??= { reason };
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
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

  /** @throws UsageError for what cannot be sent, such as a function among the settings. */
  #post(request: Request): void {
    try {
      // A worker takes no target origin; a window does.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      this.#port.postMessage(request);
    } catch (cause) {
      throw new UsageError('holds what cannot be sent to the worker.', { where: request.type, cause });
    }
  }
}
