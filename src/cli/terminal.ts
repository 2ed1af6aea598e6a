/**
 * The terminal: results go to stdout, all else to stderr, so that stdout can be piped. Colour
 * follows NO_COLOR and whether stderr is a terminal (picocolors decides).
 */
import pc from 'picocolors';
import { printable } from './oneLine.ts';

export interface TerminalOptions {
  quiet: boolean;
  /** stdout carries one JSON document and nothing else. */
  json: boolean;
  /** The same for a table as CSV. */
  csv?: boolean;
}

export class Terminal {
  readonly quiet: boolean;
  readonly json: boolean;
  readonly #csv: boolean;

  constructor(options: TerminalOptions) {
    this.quiet = options.quiet;
    this.json = options.json;
    this.#csv = options.csv ?? false;
  }

  /** A result for people; left out when stdout is for programs. */
  result(text: string): void {
    if (!this.json && !this.#csv) process.stdout.write(`${printable(text)}\n`);
  }

  /** The one document of --json. */
  document(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** The one table of --csv. */
  csv(table: string): void {
    process.stdout.write(table);
  }

  /** What is going on. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${pc.dim(printable(text))}\n`);
  }

  /** Something the user should know even with --quiet. */
  warn(text: string): void {
    process.stderr.write(`${pc.yellow('warning:')} ${printable(text)}\n`);
  }

  /** Whether a live progress bar makes sense. */
  get live(): boolean {
    return !this.quiet && process.stderr.isTTY === true;
  }
}
