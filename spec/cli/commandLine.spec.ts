/**
 * How a command ends: exit codes, the one line of an error, and what a bug in the program looks
 * like.
 */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Outcome } from './command.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED } from './wrongInput.ts';

/** A command in whose midst something fails that no input can be blamed for. */
function failing(error: unknown, ...rest: string[]): Promise<Outcome> {
  return inProcess(['inspect', PLANTED, ...rest], {
    cwd: tmpdir(),
    onOutput(text) {
      if (text.includes('parameters')) throw error;
    },
  });
}

describe('an error that is not of the family', () => {
  const bug = 'This looks like a bug in blockpruner; --debug shows where it happened.\n';

  it('is one line, called a bug, and exit code 1', async () => {
    const { code, stderr } = await failing(new TypeError('x is not\na function'));
    expect([code, stderr]).toEqual([1, `error: x is not a function\n${bug}`]);
  });

  it('need not be an Error', async () => {
    const { code, stderr } = await failing('a text');
    expect([code, stderr]).toEqual([1, `error: a text\n${bug}`]);
  });

  it('shows with --debug where it happened', async () => {
    const { code, stderr } = await failing(new TypeError('boom'), '--debug');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^TypeError: boom\n +at .*\n(?: +at .*\n)+error: boom\n$/);
  });
});

describe('exit codes', () => {
  it.each<[string[], number, RegExp]>([
    [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
    [['--help'], 0, /Usage: blockpruner/],
    [['prune', '--help'], 0, /Usage: blockpruner prune/],
    [[], 2, /Usage: blockpruner/],
    [['prune'], 2, /missing required argument 'model'.*--help/],
    [['prune', PLANTED], 2, /required option '--data <file>' not specified.*--help/],
    [['no-such-command'], 2, /unknown command 'no-such-command'.*--help/],
    [['inspect', PLANTED, '--no-such-option'], 2, /unknown option '--no-such-option'.*--help/],
    [['inspect', 'nowhere'], 1, /^error: nowhere: /],
  ])('%j ends with %d', async (words, code, text) => {
    const outcome = await inProcess(words, { cwd: tmpdir() });
    expect(outcome.stdout + outcome.stderr).toMatch(text);
    expect(outcome.code).toBe(code);
  });
});

describe('on another Node', () => {
  const script = fileURLToPath(new URL('../../src/cli/requireNode.js', import.meta.url));
  /** Runs the check as if Node had this version. */
  async function run(version: string): Promise<{ code: number; stderr: string }> {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
    const args = [`--import=data:text/javascript,${encodeURIComponent(pretend)}`, script];
    return promisify(execFile)(process.execPath, args).then(
      ({ stderr }) => ({ code: 0, stderr }),
      (error: { code: number; stderr: string }) => ({ code: error.code, stderr: error.stderr }),
    );
  }

  it.each(['18.20.4', '20.19.0', '22.0.0', '22.17.1'])('%s: one line says which is needed', async (version) => {
    const { code, stderr } = await run(version);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^blockpruner: Node ${version} is too old, 22\\.18 or newer is needed\\. [^\\n]+\\n$`),
    );
  });

  it.each(['22.18.0', '22.20.1', '23.0.0', '24.21.0', '100.0.0'])('%s: nothing is said', async (version) => {
    expect(await run(version)).toEqual({ code: 0, stderr: '' });
  });
});
