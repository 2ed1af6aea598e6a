/** `prune --repair` from the command line: its table, its files, and how it resumes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PruneResult } from '../../src/prune/result.ts';
import { figure, pairedChange, shareWords } from '../../src/cli/figures.ts';
import { inProcess } from './inProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-repair-'));
afterAll(() => rmSync(folder, { recursive: true }));

const here = (path: string): string => fileURLToPath(new URL(`../../tiny-models/${path}`, import.meta.url));
const TEXTS = ['--data', here('data/shakespeare-train.txt'), '--eval', here('data/shakespeare-valid.txt')];
const SMALL = ['--tokens', '1024', '--chunk', '64', '--kind', 'mha', '--blocks', '2', '--repair-scope', 'cuts'];
const args = (out: string, ...rest: string[]): string[] => {
  return ['prune', here('shakespeare'), ...TEXTS, ...SMALL, '--out', out, ...rest];
};
const documentOf = (out: string): PruneResult =>
  JSON.parse(readFileSync(join(folder, out, 'result.json'), 'utf8')) as PruneResult;

describe.each(['end', 'each'])('--repair %s', (when) => {
  let stdout = '';
  let stderr = '';
  beforeAll(async () => {
    const outcome = await inProcess(args(when, '--repair', when), { cwd: folder });
    expect(outcome.code, outcome.stderr).toBe(0);
    ({ stdout, stderr } = outcome);
  });

  it('shows the three models on all texts, and what was fitted', () => {
    const { repair } = documentOf(when);
    expect(repair?.when).toBe(when);
    const rowOf = (name: string): string => stdout.split('\n').findLast((line) => line.startsWith(`${name} `)) ?? '';
    for (const name of ['dense', 'pruned', 'repaired'] as const) {
      const texts = [repair?.fitted, repair?.heldOut, repair?.evaluation].map((of) => figure(of?.[name].ppl ?? null));
      const levels = rowOf(name).replaceAll(/ ± \S+/g, '');
      expect(levels.trim().split(/\s+/)).toEqual([name, ...texts]);
    }
    for (const of of [repair?.fitted, repair?.heldOut, repair?.evaluation]) {
      const { change, back } = of ?? {};
      if (change)
        expect(rowOf('change by repair')).toContain(pairedChange({ ...change, standardError: change.natsError }));
      if (back) expect(rowOf('loss brought back')).toContain(shareWords(back));
    }
    expect(repair?.evaluation?.change?.natsError).toBeGreaterThan(0);
    expect(repair?.evaluation?.back?.standardError).toBeGreaterThan(0);
    expect(stdout).toMatch(/^repaired: refit before each cut, \d tensors? changed/m);
    expect(stdout).toContain('shakespeare-valid.txt');
  });

  it('shows both figures of a step where there are two', () => {
    const { steps } = documentOf(when);
    expect(/^ *step .* repaired +change /m.test(stdout)).toBe(when === 'each');
    for (const { repair, removed } of steps) {
      if (when === 'end') expect(repair).toBeUndefined();
      else expect(stderr).toContain(`removed ${removed}, perplexity `);
      if (repair !== undefined) expect(stderr).toContain(`repaired ${figure(repair.ppl)} (`);
    }
  });

  it('leaves the tensors that its document names, and the order of removals as ever', () => {
    const { repair, removed } = documentOf(when);
    const files = readdirSync(join(folder, when, 'repair')).map((file) => `repair/${file}`);
    expect(files.toSorted()).toEqual(repair?.tensors.map(({ file }) => file).toSorted());
    const order = JSON.parse(readFileSync(join(folder, when, 'del_order_list.json'), 'utf8')) as object;
    expect(Object.keys(order)).toHaveLength(removed.length);
    expect(readFileSync(join(folder, when, 'report.html'), 'utf8')).toContain('and repaired: perplexity');
  });

  it('measured anew with --run, the repaired model is the one of the document', async () => {
    const command = ['perplexity', here('shakespeare'), '--data', here('data/shakespeare-valid.txt')];
    const settings = ['--tokens', '1024', '--chunk', '64', '--run', when, '--json'];
    const { stdout: json, stderr: said, code } = await inProcess([...command, ...settings], { cwd: folder });
    expect(code, said).toBe(0);
    expect((JSON.parse(json) as { ppl: number }).ppl).toBe(documentOf(when).repair?.evaluation?.repaired.ppl);
  });

  it('run again it answers from its journal, and fits again what is missing of its files', async () => {
    const before = documentOf(when);
    const [file] = before.repair?.tensors ?? [];
    if (file === undefined) throw new Error('no tensor was changed');
    const bytes = readFileSync(join(folder, when, file.file));
    rmSync(join(folder, when, file.file));
    const again = await inProcess(args(when, '--repair', when), { cwd: folder });
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('resuming from');
    expect({ ...documentOf(when), provenance: before.provenance, memory: before.memory }).toEqual(before);
    expect(readFileSync(join(folder, when, file.file))).toEqual(bytes);
  });

  it('refuses to go on over a file of the store that is a folder', async () => {
    const out = `${when}-blocked`;
    const first = await inProcess(['prune', '--help'], { cwd: folder });
    expect(first.stdout).toContain('--repair <when>');
    writeFileSync(join(folder, `${out}.txt`), 'x');
    const { code, stderr: said } = await inProcess(args(`${out}.txt`, '--repair', when), { cwd: folder });
    expect(code).not.toBe(0);
    expect(said).toContain('in the way');
  });
});
