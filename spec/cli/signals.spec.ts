/** Ctrl-C, and an output that takes no more: what each command says, and how it ends. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { blockpruner, main, type Outcome } from './command.ts';
import { PLANTED, recipeFiles, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-signals-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const [name, content] of Object.entries(recipeFiles({ steps: 2000 }))) writeFileSync(join(folder, name), content);

const search = ['prune', PLANTED, '--data', TEXT, '--blocks', '8', '--threads', '1', '--out', 'run'];
const training = ['train', 'recipe.json', '--threads', '1', '--checkpoint', '1', '--out', 'trained'];
const healing = [
  'heal',
  PLANTED,
  '--mask',
  'L5.mlp',
  '--data',
  TEXT,
  '--valid',
  TEXT,
  '--threads',
  '1',
  '--out',
  'healed',
];

/** Interrupted as soon as its notes match. */
const stopped = (args: readonly string[], killAt: RegExp, signal: NodeJS.Signals = 'SIGINT'): Promise<Outcome> => {
  return blockpruner(args, { killAt, signal, cwd: folder });
};

describe('an interruption', () => {
  it.each<[string, string[], RegExp, string]>([
    ['prune', search, /step 1:/, 'interrupted; the same command resumes.'],
    ['prune --fresh', [...search, '--fresh'], /step 1:/, 'interrupted; the same command without --fresh resumes.'],
    ['prune before anything', search, /backend:/, 'interrupted.'],
    ['perplexity', ['perplexity', PLANTED, '--data', TEXT], /chunks/, 'interrupted.'],
    ['serve', ['serve', '--port', '0'], /Ctrl-C ends it/, 'no longer serving.'],
    ['generate', ['generate', PLANTED, '--prompt', 'a', '--max-tokens', '200'], /backend:/, 'interrupted.'],
    [
      'train',
      [...training, '--checkpoint', '100000'].toSpliced(4, 2),
      /parameters/,
      'interrupted before the first checkpoint; the same command starts over.',
    ],
    ['heal before it trains', healing, /backend:/, 'interrupted.'],
    ['heal', healing, /parameters/, 'interrupted before the first checkpoint; the same command starts over.'],
  ])('of %s says what is so', async (_, args, at, words) => {
    const { code, stderr } = await stopped(args, at);
    expect(code).toBe(130);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(words);
  });

  it('of train names the step from which the same command resumes, and it does', async () => {
    const { stderr } = await stopped(training, /step \d+ of/);
    const words = /interrupted; the same command resumes after step (\d+)\.\n$/.exec(stderr);
    expect(words, stderr).not.toBeNull();
    const again = await stopped(training, /resuming after step/);
    expect(again.stderr).toContain(`resuming after step ${words?.[1]}`);
    const fresh = await stopped([...training, '--fresh'], /step \d+ of/);
    expect(fresh.stderr).toMatch(/interrupted; the same command without --fresh resumes after step/);
  });

  it.each<[NodeJS.Signals, number]>([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('by %s ends alike', async (signal, code) => {
    expect((await stopped(search, /step 1:/, signal)).code).toBe(code);
  });
});

/** With stdout as given; what it said on stderr. */
function into(stdout: number | 'closed', args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], {
      stdio: ['ignore', stdout === 'closed' ? 'pipe' : stdout, 'pipe'],
    });
    let stderr = '';
    child.stdout?.destroy();
    child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

describe('an output that takes no more', () => {
  const commands: [string, string[]][] = [
    ['inspect', ['inspect', PLANTED]],
    ['perplexity', ['perplexity', PLANTED, '--data', TEXT, '--tokens', '512', '--quiet']],
    ['generate', ['generate', PLANTED, '--prompt', 'a', '--max-tokens', '20', '--quiet']],
    ['doctor --json', ['doctor', '--json']],
    ['--help', ['--help']],
  ];
  it.skipIf(!existsSync('/dev/full')).each(commands)('%s on a full device is an error', async (_, args) => {
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await into(full, args);
    closeSync(full);
    expect(stderr).toMatch(/^error: stdout: the disk is full, part of the output is lost\.$/m);
    expect(code).toBe(1);
  });

  it.each(commands)('%s into a pipe that nobody reads is an error', async (_, args) => {
    const { code, stderr } = await into('closed', args);
    expect(stderr).toMatch(/^error: stdout: the reader closed it before everything was written\.$/m);
    expect(code).toBe(1);
  });
});

describe('what steers a terminal', () => {
  it('is written as an escape where it comes out of a file', async () => {
    const evil = join(folder, 'evil');
    mkdirSync(evil);
    const files = recipeFiles({ '\u001B]0;owned\u0007': 1 });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(evil, name), content);
    const { stderr, code } = await blockpruner(['train', 'recipe.json', '--out', 'x'], { cwd: evil });
    expect(code).toBe(2);
    expect(stderr).toContain(String.raw`\u001b]0;owned\u0007`);
    // eslint-disable-next-line no-control-regex
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
  });
});
