/**
 * Runs the command line inside this process: some milliseconds a call where a process of its own
 * takes seconds.
 */
import { commandLine } from '../../src/cli/commandLine.ts';
import type { Outcome } from './command.ts';

export interface InProcessOptions {
  /** The working folder of the call. */
  cwd: string;
  env?: Readonly<Record<string, string>>;
  /** Called at once with every piece of text that is written to stdout or stderr. */
  onOutput?: (text: string) => void;
}

/**
 * `blockpruner ...args`. One call at a time: working folder, environment and output belong to the
 * whole process.
 */
export async function inProcess(args: readonly string[], options: InProcessOptions): Promise<Outcome> {
  const before = { cwd: process.cwd(), env: { ...process.env } };
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  const taken = (name: 'stdout' | 'stderr') => (text: string) => {
    outcome[name] += text;
    options.onOutput?.(text);
  };
  const release = [capture(process.stdout, taken('stdout'))];
  release.push(capture(process.stderr, taken('stderr')));
  try {
    process.chdir(options.cwd);
    Object.assign(process.env, options.env);
    outcome.code = await commandLine(args);
  } finally {
    for (const end of release) end();
    process.chdir(before.cwd);
    for (const name of Object.keys(process.env)) if (!(name in before.env)) delete process.env[name];
    Object.assign(process.env, before.env);
  }
  return outcome;
}

function capture(stream: NodeJS.WriteStream, take: (text: string) => void): () => void {
  const write = stream.write;
  stream.write = (chunk: string | Uint8Array): boolean => {
    take(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    return true;
  };
  return () => {
    stream.write = write;
  };
}
