/** Runs the command line as a user does: its own process, from the repository's root. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root: string = fileURLToPath(new URL('../..', import.meta.url));

export interface Outcome {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export const planted = 'tiny-models/planted';
export const text = 'tiny-models/data/tiny.txt';

export interface CommandOptions {
  /** Milliseconds after the first line on stderr that matches `killAt` at which the process gets `signal`. */
  killAt?: RegExp;
  killAfter?: number;
  signal?: NodeJS.Signals;
  env?: Record<string, string>;
}

/** `blockpruner ...args` */
export function blockpruner(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { killAt, killAfter = 0, signal = 'SIGKILL', env = {} } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['src/cli/main.ts', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
    });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    let armed = killAt !== undefined;
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
