/** `prune --method` as a user runs it: each method of the house, and one of the user's own. */
import { readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/prune/methods/all.ts';
import type { PruneResult } from '../../src/prune/result.ts';
import { inProcess } from './inProcess.ts';
import { prune } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-method-'));
afterAll(() => rmSync(folder, { recursive: true }));
const small = ['--tokens', '192', '--chunk', '32', '--backend', 'reference'];
const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
const resultIn = (out: string): PruneResult => JSON.parse(read(out, 'result.json')) as PruneResult;

describe.each(methods.map((method) => [method.name, method] as const))('--method %s', (name, { summary }) => {
  it('writes journal, document, order and report, and says which method it was', async () => {
    const { code, stdout, stderr } = await inProcess(
      prune('--blocks', '2', '--method', name, '--out', name, ...small),
      {
        cwd: folder,
      },
    );
    expect(code, stderr).toBe(0);
    const result = resultIn(name);
    expect(result.method?.name).toBe(name);
    expect(result.removed).toHaveLength(2);
    expect(Object.keys(JSON.parse(read(name, 'del_order_list.json')) as object)).toEqual(['1', '2']);
    expect(read(name, 'report.html').includes(name)).toBe(true);
    expect(stdout).toContain(`method: ${name}`);
    expect(stderr).toContain('step 2: removed ');
    // Run again, it answers from its journal.
    const again = await inProcess(prune('--blocks', '2', '--method', name, '--out', name, ...small), { cwd: folder });
    expect(again.stderr).toContain('resuming from');
    expect({ ...resultIn(name), provenance: result.provenance, memory: result.memory }).toEqual(result);
  });

  it('stands in the help with a line of its own', async () => {
    const { stdout } = await inProcess(['prune', '--help'], { cwd: folder });
    expect(stdout).toContain(name);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(summary);
  });
});

it('without --out each method has a folder of its own', async () => {
  for (const name of ['blockpruner', 'reverse']) {
    const args = prune('--blocks', '1', '--method', name, ...small).filter(
      (word) => word !== '--out' && word !== 'out',
    );
    const { code, stdout, stderr } = await inProcess(args, { cwd: folder });
    expect(code, stderr).toBe(0);
    const expected =
      name === 'reverse'
        ? /report: runs\/planted-tiny-reverse-[0-9a-f]{8}/
        : /report: runs\/planted-tiny-[0-9a-f]{8}\//;
    expect(stdout).toMatch(expected);
  }
});

it('--ratio-of says of what the ratio is a share', async () => {
  const removed: number[] = [];
  for (const whole of ['total', 'blocks', 'depth']) {
    const args = prune('--ratio', '0.4', '--ratio-of', whole, '--method', 'reverse', '--out', `of-${whole}`, ...small);
    expect((await inProcess(args, { cwd: folder })).code).toBe(0);
    const { steps, stop } = resultIn(`of-${whole}`);
    expect(stop).toEqual({ ratio: 0.4, ratioOf: whole });
    expect(steps[steps.length - 1].ratios[whole as 'total']).toBeGreaterThanOrEqual(0.4);
    removed.push(steps.length);
  }
  expect(removed[0]).toBeGreaterThan(removed[1]);
});

describe("a method of one's own", () => {
  const ranking = fileURLToPath(new URL('../../src/prune/methods/ranking.ts', import.meta.url));
  /** The middle goes first; a class, so that `this` must be kept. */
  const source = (offset: number): string => `
    import { rankingMethod } from ${JSON.stringify(ranking)};
    class Middle {
      #base = rankingMethod({
        name: 'middle-first',
        summary: 'removes blocks from the middle',
        paper: null,
        needs: [],
        defaults: { shift: 0 },
        score: ({ candidates }, { shift }) => candidates.map(({ blocks }) => Math.abs(blocks[0].layer - 2.4 - shift - ${offset})),
      });
      name = 'middle-first';
      needs = [];
      check(given, config) { return this.#base.check(given, config); }
      run(subject, settings, budget) { return this.#base.run(subject, settings, budget); }
    }
    export const method = new Middle();`;
  const run = (file: string, ...rest: string[]): ReturnType<typeof inProcess> =>
    inProcess(prune('--blocks', '2', '--method', `./${file}`, '--out', 'mine', ...small, ...rest), { cwd: folder });

  it('is a file that exports it; its settings come by --set, and its code stands behind the journal', async () => {
    writeFileSync(join(folder, 'mine.ts'), source(0));
    const first = await run('mine.ts');
    expect(first.code, first.stderr).toBe(0);
    expect(resultIn('mine')).toMatchObject({
      method: { name: 'middle-first', settings: { shift: 0, plus: false } },
      removed: ['L2.mha', 'L2.mlp'],
    });
    const shifted = await run('mine.ts', '--set', 'shift=2');
    expect(shifted.stderr).toMatch(/belongs to a run with other settings/);
    expect((await run('mine.ts', '--set', 'shift=2', '--fresh')).code).toBe(0);
    expect(resultIn('mine').removed).toEqual(['L4.mha', 'L4.mlp']);
    // Under another name, since a module is loaded once in a process.
    writeFileSync(join(folder, 'mine2.ts'), source(1));
    expect((await run('mine2.ts', '--set', 'shift=2')).stderr).toMatch(/belongs to a run with other settings/);
  });
});
