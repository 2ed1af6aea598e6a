import { UsageError } from '../errors.ts';
import { follow } from './signals.ts';
import type { Run, Signal } from './model.ts';

/**
 * How events that nobody has read yet are kept: whether the latest one takes the place of the one
 * before.
 */
export type Replaces<Event> = (unread: Event, latest: Event) => boolean;

/** Of events of these types, which tell of progress, a later one tells more than an earlier one. */
export function latestOf<Event extends { readonly type: string }>(...types: readonly Event['type'][]): Replaces<Event> {
  return (unread, latest) => unread.type === latest.type && types.includes(latest.type);
}

/** A call that tells on its way, begun at once; `Run` says what its users may rely on. */
export class Running<Event, Result> implements Run<Event, Result> {
  readonly #result: Promise<Result>;
  readonly #abandoned = new AbortController();
  readonly #unread: Event[] = [];
  #ended = false;
  #read = false;
  #wake = (): void => {};

  /** @param start gets where events go and a signal, of the caller or of who leaves the loop. */
  constructor(
    start: (emit: (event: Event) => void, signal: AbortSignal) => Promise<Result>,
    signal?: Signal,
    replaces: Replaces<Event> = () => false,
  ) {
    const emit = (event: Event): void => {
      const last = this.#unread.length - 1;
      if (last >= 0 && replaces(this.#unread[last], event)) this.#unread[last] = event;
      else this.#unread.push(event);
      this.#wake();
    };
    const begun = async (): Promise<Result> => {
      const unfollow = follow(this.#abandoned, signal);
      return start(emit, this.#abandoned.signal).finally(unfollow);
    };
    this.#result = begun().finally(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  // A run is awaited for its result.
  // oxlint-disable-next-line unicorn/no-thenable
  then<Fulfilled = Result, Rejected = never>(
    onFulfilled?: ((result: Result) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#result.then(onFulfilled, onRejected);
  }

  /** @throws UsageError for a second loop: the first has taken the events. */
  [Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    if (this.#read) throw new UsageError('the events of a run can be read by one loop only.');
    this.#read = true;
    // The loop throws the run's error itself.
    this.#result.catch(() => {});
    return this.#events();
  }

  async *#events(): AsyncGenerator<Event, void, undefined> {
    try {
      for (;;) {
        const event = this.#unread.shift();
        if (event !== undefined) yield event;
        else if (this.#ended) break;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      await this.#result;
    } finally {
      this.#abandoned.abort();
    }
  }
}
