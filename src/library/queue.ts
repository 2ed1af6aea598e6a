/** Work that runs one after the other, in the order in which it was added. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Work aborted before its turn never begins, and its caller hears so at once. Once begun it must
   * hear the signal itself: the next one waits until it has ended.
   */
  add<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason as Error);
      if (signal.aborted) {
        giveUp();
        return;
      }
      signal.addEventListener('abort', giveUp);
      const inTurn = async (): Promise<void> => {
        signal.removeEventListener('abort', giveUp);
        if (!signal.aborted) await work().then(resolve, reject);
      };
      this.#last = this.#last.then(inTurn);
    });
  }

  /** Resolves when nothing of what was added so far runs any more. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
