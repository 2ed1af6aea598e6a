import type { Terminal } from '../terminal.ts';

/** What came of one check. */
export interface Check {
  readonly name: string;
  /** Null where it could not be made. */
  readonly ok: boolean | null;
  readonly text: string;
}

/** Says each check on a line of its own, and keeps them. */
export class Checks {
  readonly all: Check[] = [];
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** @returns whether it holds. */
  add(name: string, ok: boolean | null, text: string): boolean {
    this.all.push({ name, ok, text });
    const word = ok === null ? 'left out' : ok ? 'ok' : 'failed';
    this.#terminal.result(`${word.padEnd(8)}  ${name}: ${text}`);
    return ok === true;
  }

  /**
   * A check that is one call; what it throws is why it fails.
   * @param work gives the words for what holds.
   */
  async try(name: string, work: () => Promise<string>): Promise<boolean> {
    try {
      return this.add(name, true, await work());
    } catch (error) {
      return this.add(name, false, (error as Error).message);
    }
  }

  get failed(): readonly Check[] {
    return this.all.filter(({ ok }) => ok === false);
  }
}
