/** Under npm, paths count from where the user stands. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { programWords, userFolder } from '../../src/cli/userFolder.ts';
import { blockpruner } from './command.ts';
import { PLANTED, TEXT } from './wrongInput.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'blockpruner-user-')));
afterAll(() => rmSync(folder, { recursive: true }));
const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = join(root, 'package.json');

describe('userFolder', () => {
  const npm = { INIT_CWD: '/somewhere', npm_lifecycle_event: 'cli', npm_package_json: manifest };

  it.each<[string, NodeJS.ProcessEnv, string | null]>([
    ['npm run cli', npm, '/somewhere'],
    ['npm start, whose paths count from the root', { ...npm, npm_lifecycle_event: 'start' }, null],
    ['npx, which runs where the user stands', { ...npm, npm_lifecycle_event: 'npx' }, null],
    ['a script of another package', { ...npm, npm_package_json: join(tmpdir(), 'package.json') }, null],
    ['a package that is gone', { ...npm, npm_package_json: '/no/such/package.json' }, null],
    ['no npm', { INIT_CWD: '/somewhere' }, null],
    ['an npm that does not say', { ...npm, INIT_CWD: undefined }, null],
    ['nothing', {}, null],
  ])('%s', (_, env, expected) => {
    expect(userFolder(env, root)).toBe(expected);
  });

  it('knows its package by another path', () => {
    symlinkSync(root, join(folder, 'link'));
    expect(userFolder({ ...npm, npm_package_json: join(folder, 'link/package.json') }, root)).toBe('/somewhere');
  });
});

describe('programWords', () => {
  it.each<[NodeJS.ProcessEnv, string]>([
    [{ npm_lifecycle_event: 'cli', npm_package_json: manifest }, 'npm run -s cli --'],
    [{ npm_lifecycle_event: 'start', npm_package_json: manifest }, 'npm run -s cli --'],
    [{ npm_lifecycle_event: 'cli', npm_package_json: '/no/such/package.json' }, 'npx blockpruner'],
    [{ npm_lifecycle_event: 'npx', npm_package_json: manifest }, 'npx blockpruner'],
    [{}, 'npx blockpruner'],
  ])('in %j: %s', (env, expected) => {
    expect(programWords(env, root)).toBe(expected);
  });
});

describe('npm run cli from a folder below', () => {
  const below = join(folder, 'a/b');
  mkdirSync(below, { recursive: true });
  writeFileSync(join(folder, 'a/config.yaml'), `model: ${PLANTED}\ndata: ${TEXT}\ntokens: 256\nblocks: 1\n`);

  it('takes paths from there, and gives them from there', async () => {
    const env = { INIT_CWD: below, npm_lifecycle_event: 'cli', npm_package_json: manifest };
    const { code, stdout, stderr } = await blockpruner(['prune', '--config', '../config.yaml', '--out', 'mine'], {
      cwd: root,
      env,
    });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`report: ${join('mine', 'report.html')}\n`);
    expect(stdout).toContain('(open it in a browser, or: npm run -s cli -- serve mine)');
    // What the table and the text leave open is said: removed blocks of this model tie.
    expect(stdout).toMatch(/near-tie with L[^]*\nnear-tie: so close that another machine's rounding could pick/);
    expect(stderr).toContain('warning: one chunk only, so no error can be stated');
    expect(existsSync(join(below, 'mine/result.json'))).toBe(true);
    const lost = await blockpruner(['inspect', 'nothing-here'], {
      cwd: root,
      env: { ...env, INIT_CWD: join(folder, 'gone') },
    });
    expect(lost.code).toBe(1);
  });

  it('as npm itself calls it', async () => {
    const args = ['--prefix', root, 'run', '-s', 'cli', '--', 'inspect', '../config.yaml'];
    const env = { ...process.env, npm_lifecycle_event: undefined, npm_package_json: undefined, INIT_CWD: undefined };
    const shown = await promisify(execFile)('npm', args, { cwd: below, env }).catch(
      (error: { stderr: string }) => error,
    );
    // The file is found; that it is no model is another matter.
    expect(shown.stderr).toMatch(/^error: \.\.\/config\.yaml: /);
    expect(shown.stderr).not.toContain('no such file');
  });
});
