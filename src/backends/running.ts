import { DisposedError } from '../errors.ts';

/**
 * Whether a backend still runs, told to all its parts: from `end` on, or once it has failed, every
 * use throws.
 */
export class Running {
  readonly #name: string;
  #failure: Error | null = null;
  #ending: Promise<void> | null = null;

  /** @param name the backend's, for the error. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Why the backend does not run any more; null as long as it does. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** @throws DisposedError after `end`, and what `fail` was given after that. */
  expect(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** From now on every use throws this. The first reason stays. */
  fail(reason: Error): void {
    this.#failure ??= reason;
  }

  /**
   * Ends the backend and calls `release`, once, however often it is called. Resolves when that is
   * done.
   */
  end(release: () => Promise<void>): Promise<void> {
    this.fail(new DisposedError('the backend was disposed.', { where: this.#name, remedy: 'Open a new one.' }));
    this.#ending ??= release();
    return this.#ending;
  }
}
