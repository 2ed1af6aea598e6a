/**
 * Runs commands one after the other, in the order they were given. A command that returns a promise
 * holds up those behind it; as long as none does, each runs before `push` returns. That is how ops
 * can return at once although in webgpu mode every kernel call gives a promise, and how memory is
 * never given back before those who read it have been submitted.
 *
 * The first failure ends the queue: what was computed from what failed would be wrong, so later
 * commands are dropped.
 */
export class CommandQueue {
  readonly #waiting: (() => unknown)[] = [];
  #busy = false;
  #failure: unknown = null;
  #idle: (() => void)[] = [];
  readonly #failed: Promise<never>;
  #reject: (reason: unknown) => void = () => {};

  constructor() {
    this.#failed = new Promise((_, reject) => (this.#reject = reject));
    // Those who wait hear of it by themselves.
    this.#failed.catch(() => {});
  }

  /** The first failure, null so far. */
  get failure(): unknown {
    return this.#failure;
  }

  push(command: () => unknown): void {
    if (this.#failure !== null) return;
    this.#waiting.push(command);
    if (!this.#busy) this.#drain();
  }

  /** Ends the queue from outside. */
  fail(reason: unknown): void {
    this.#failure ??= reason;
    this.#waiting.length = 0;
    this.#reject(this.#failure);
  }

  /**
   * When everything given so far has run. @throws the first failure, at once: a command under way
   * may never end.
   */
  async settled(): Promise<void> {
    if (this.#busy) await this.unlessFailed(new Promise<void>((resolve) => this.#idle.push(resolve)));
    if (this.#failure !== null) throw this.#failure;
  }

  /** What `work` gives. @throws the queue's first failure if that comes before. */
  unlessFailed<T>(work: Promise<T> | T): Promise<T> {
    return Promise.race([work, this.#failed]);
  }

  #drain(): void {
    for (let command = this.#waiting.shift(); command !== undefined; command = this.#waiting.shift()) {
      try {
        const pending = command();
        if (pending instanceof Promise) {
          this.#busy = true;
          pending.then(
            () => this.#resume(),
            (reason: unknown) => {
              this.fail(reason);
              this.#resume();
            },
          );
          return;
        }
      } catch (reason) {
        this.fail(reason);
      }
    }
    this.#busy = false;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #resume(): void {
    this.#busy = false;
    this.#drain();
  }
}
