/**
 * Runs the command line as a user does: its own process, from the repository's root unless said
 * otherwise.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root: string = fileURLToPath(new URL('../..', import.meta.url));
export const main: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Outcome {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export const planted = 'tiny-models/planted';
export const text = 'tiny-models/data/tiny.txt';

export interface CommandOptions {
  /**
   * The process sends itself `signal` as soon as what it has written to stderr matches: no machine
   * is too slow to see it.
   */
  killAt?: RegExp;
  /** Rather from here, so many milliseconds after a match was seen: at any moment, or too late. */
  killAfter?: number;
  signal?: NodeJS.Signals;
  env?: Readonly<Record<string, string>>;
  /** The working folder; the repository's root where none is given. */
  cwd?: string;
}

/** What the process runs first to end by itself. */
function endingAt(pattern: RegExp, signal: NodeJS.Signals): Record<string, string> {
  const script = `
    const write = process.stderr.write.bind(process.stderr);
    let written = '';
    process.stderr.write = (text, ...rest) => {
      const result = write(text, ...rest);
      written += text;
      if (${String(pattern)}.test(written)) {
        process.stderr.write = write;
        process.kill(process.pid, '${signal}');
      }
      return result;
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

/** `blockpruner ...args` */
export function blockpruner(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { killAt, killAfter, signal = 'SIGKILL', env = {}, cwd = root } = options;
  return new Promise((resolve, reject) => {
    const ending = killAt !== undefined && killAfter === undefined ? endingAt(killAt, signal) : {};
    const child = spawn(process.execPath, [main, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...ending, ...env },
    });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    let armed = killAfter !== undefined;
    child.stdout.on('data', (bytes: Buffer) => (outcome.stdout += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => {
      outcome.stderr += bytes.toString();
      if (armed && killAt?.test(outcome.stderr) === true) {
        armed = false;
        setTimeout(() => child.kill(signal), killAfter);
      }
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}
