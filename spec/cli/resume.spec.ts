/** A killed search goes on where it was, to the same result. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PruneResult } from '../../src/prune/result.ts';
import { blockpruner, planted, text } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-resume-'));
afterAll(() => rmSync(folder, { recursive: true }));

const steps = 4;
/**
 * Little memory, so that a step has several groups; and as many lanes in every run, which results
 * name.
 */
const search = (out: string): string[] => {
  const data = ['--data', text, '--tokens', '4096', '--chunk', '128'];
  return [
    'prune',
    planted,
    ...data,
    '--blocks',
    String(steps),
    '--memory',
    '20MB',
    '--threads',
    '1',
    '--lanes',
    '4',
    '--out',
    out,
  ];
};

/**
 * Without what it took and where it comes from: a resumed run begins without the streams that the
 * one before it kept.
 */
function resultOf(out: string): PruneResult {
  const took = new Set(['seconds', 'done', 'provenance', 'decode', 'memory']);
  return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'), (key, value: unknown) =>
    took.has(key) ? 0 : value,
  ) as PruneResult;
}

function groupsOf(out: string): string[] {
  const lines = readFileSync(join(out, 'journal.jsonl'), 'utf8').split('\n').slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as { type: string; step: number; from: number; to: number })
    .filter(({ type }) => type === 'group')
    .map(({ step, from, to }) => `${step}: ${from}-${to}`);
}

describe('a search that is killed', () => {
  const straight = join(folder, 'straight');
  let milliseconds = 0;
  beforeAll(async () => {
    const started = performance.now();
    expect((await blockpruner(search(straight))).code).toBe(0);
    milliseconds = performance.now() - started;
  });

  test.prop([fc.uuid(), fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 })], {
    numRuns: 4,
    endOnFailure: true,
  })('at any moment ends like one that is not, and computes each group once', async (name, moments) => {
    const out = join(folder, name);
    // Each attempt is killed somewhere between its first sign of life and its end; the last one is
    // left alone.
    for (const moment of moments) {
      await blockpruner(search(out), { killAt: /backend:/, killAfter: (moment * milliseconds) / moments.length });
    }
    expect((await blockpruner(search(out))).code).toBe(0);
    expect(resultOf(out)).toEqual(resultOf(straight));
    const groups = groupsOf(out);
    expect(groups.length).toBeGreaterThan(steps);
    expect(groups).toEqual(groupsOf(straight));
  });

  it('by Ctrl-C says how to go on and exits with 130', async () => {
    const out = join(folder, 'interrupted');
    const { code, stderr } = await blockpruner(search(out), { killAt: /step 1:/, signal: 'SIGINT' });
    expect(code).toBe(130);
    expect(stderr).toMatch(/interrupted; the same command resumes/);
    const before = groupsOf(out);
    expect(before.length).toBeGreaterThan(0);
    expect((await blockpruner(search(out))).code).toBe(0);
    expect(groupsOf(out).slice(0, before.length)).toEqual(before);
    expect(resultOf(out)).toEqual(resultOf(straight));
  });

  it('can be ended later or sooner by another stop rule, from the same journal', async () => {
    const longer = search(straight).with(search(straight).indexOf('--blocks') + 1, String(steps + 1));
    expect((await blockpruner(longer)).code).toBe(0);
    expect(resultOf(straight).steps).toHaveLength(steps + 1);
    const before = groupsOf(straight);
    expect((await blockpruner(search(straight))).code).toBe(0);
    expect(resultOf(straight).steps).toHaveLength(steps);
    expect(groupsOf(straight)).toEqual(before);
  });

  it('leaves a torn line behind, which is dropped', async () => {
    const journal = join(straight, 'journal.jsonl');
    const whole = readFileSync(journal);
    writeFileSync(journal, whole.subarray(0, -20));
    expect((await blockpruner(search(straight))).code).toBe(0);
    expect(resultOf(straight).steps).toHaveLength(steps);
  });

  it('is kept out of a folder that a living process writes to, and takes over what a dead one left', async () => {
    const lock = join(straight, 'journal.lock');
    writeFileSync(lock, `${process.pid} ${hostname()}`);
    const { code, stderr } = await blockpruner(search(straight));
    expect(stderr).toMatch(/^error: .*journal\.lock: is in use by process \d+ on .*use another --out/m);
    expect(code).toBe(1);
    // The highest process id there can be is far below this.
    writeFileSync(lock, `${2 ** 30} ${hostname()}`);
    expect((await blockpruner(search(straight))).code).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });
});
