/** What was computed is shown even where it can no longer be saved. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AccessError, NotFoundError } from '../../src/errors.ts';
import { TrainingLog } from '../../src/cli/trainingLog.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { blockpruner, planted, text, type Outcome } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-lost-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A search whose folder is removed once it has begun. */
function search(out: string, ...more: string[]): Promise<Outcome> {
  const script = `
    import { rmSync } from 'node:fs';
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text, ...rest) => {
      if (/step 1:/.test(text)) rmSync(${JSON.stringify(out)}, { recursive: true, force: true });
      return write(text, ...rest);
    };`;
  const args = ['--data', text, '--tokens', '1024', '--chunk', '128', '--blocks', '2', '--threads', '1', '--out', out];
  return blockpruner(['prune', planted, ...args, ...more], {
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` },
  });
}

describe('--out that is removed in mid-run', () => {
  it('leaves the table on stdout and one line that says what is missing', async () => {
    const out = join(folder, 'table');
    const { code, stdout, stderr } = await search(out);
    expect(stdout).toMatch(/^ *2 +L\d\.m\w\w /m);
    expect(stdout).not.toContain('report:');
    expect(stderr.split('\n').filter((line) => line.startsWith('error: '))).toEqual([
      `error: the result is printed but not saved: ${join(out, 'result.json')}: ` +
        'cannot be written: its folder is not there, or not any more.',
    ]);
    expect(code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it('leaves the whole document with --json', async () => {
    const { code, stdout } = await search(join(folder, 'document'), '--json');
    expect((JSON.parse(stdout) as PruneResult).removed).toHaveLength(2);
    expect(code).toBe(1);
  });
});

describe('a training log that can no longer be written', () => {
  const line = { type: 'measured', step: 1, figures: { loss: 1 } } as const;
  it('is a typed error that names it', async () => {
    const own = join(folder, 'log');
    mkdirSync(own);
    const path = join(own, 'log.jsonl');
    const log = await TrainingLog.open(path, 0, 'run', () => {});
    log.add(line);
    rmSync(path);
    mkdirSync(path);
    expect(() => log.add(line)).toThrow(new AccessError('is a folder.', { where: path }));
    rmSync(own, { recursive: true });
    expect(() => log.add(line)).toThrow(NotFoundError);
  });
});
