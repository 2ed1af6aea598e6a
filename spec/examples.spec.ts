/** The programs in docs/examples run as they stand, and are short. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from './cli/inProcess.ts';
import { fromCheckout, programFolder, runPrograms, type ProgramOutcome } from './programs.ts';

const examples = fileURLToPath(new URL('../docs/examples', import.meta.url));
const page = readFileSync(join(examples, 'README.md'), 'utf8');
const names = readdirSync(examples).filter((name) => name.endsWith('.mjs'));
const read = (name: string): string => readFileSync(join(examples, name), 'utf8');
const parent = mkdtempSync(join(tmpdir(), 'blockpruner-examples-'));
afterAll(() => rmSync(parent, { recursive: true }));

const tiny = 'tiny-models/data/tiny.txt';
const calls: Readonly<Record<string, readonly string[]>> = {
  'perplexity.mjs': ['tiny:planted', 'L0.mha', 'L3.mha'],
  'pruneAndResume.mjs': ['tiny:planted', tiny],
  'sweepToCsv.mjs': ['tiny:planted', tiny],
  'repairAndCompare.mjs': ['tiny:planted', tiny, 'tiny-models/data/shakespeare-valid.txt'],
};
const outcomes = new Map<string, ProgramOutcome>();
beforeAll(async () => {
  const programs = Object.entries(calls).map(([name, args]) => ({ name, code: read(name), args }));
  for (const [index, outcome] of (await runPrograms(programs, parent)).entries())
    outcomes.set(programs[index].name, outcome);
});
const outcomeOf = (name: string): ProgramOutcome => outcomes.get(name) ?? { stdout: '', written: [] };

describe('the examples', () => {
  it('are five, each of at most forty lines, in the table and among the commands', () => {
    expect(names).toHaveLength(5);
    for (const name of names) {
      expect(read(name).split('\n').length, name).toBeLessThanOrEqual(41);
      expect(page).toContain(`[${name}](${name})`);
      const [, call] = /^\/\/ +((?:node|npx) .*)$/m.exec(read(name)) ?? [];
      const [, shown] = new RegExp(`^((?:node|npx) .*${name}.*)$`, 'm').exec(page) ?? [];
      expect(shown.split(' ')[0], name).toBe(call.split(' ')[0]);
    }
  });

  it('perplexity.mjs says what blocks are worth: in planted, L3.mha nothing', () => {
    const { stdout } = outcomeOf('perplexity.mjs');
    const [whole, first, third] = [...stdout.matchAll(/perplexity ([\d.]+)/g)].map(([, ppl]) => Number(ppl));
    expect(first).toBeGreaterThan(whole);
    expect(third).toBe(whole);
    expect(stdout).toContain('without L3.mha: perplexity');
  });

  it('pruneAndResume.mjs goes on with step three, without doing one and two again', () => {
    const { stdout, written } = outcomeOf('pruneAndResume.mjs');
    const steps = [...stdout.matchAll(/step (\d) removed (\S+)/g)].map(([, step, block]) => `${step} ${block}`);
    const all = ['1 L3.mha', '2 L4.mha', '3 L2.mlp', '4 L5.mha'];
    expect(steps).toEqual([...all.slice(0, 2), ...all]);
    expect(stdout).toMatch(/perplexity 10\.\d\d became 10\.\d\d/);
    expect(written).toEqual(['journal.jsonl', 'report.html']);
  });

  it('sweepToCsv.mjs writes a row for each block', () => {
    const { stdout } = outcomeOf('sweepToCsv.mjs');
    const [head, ...rows] = stdout.trim().split('\n');
    expect(head).toBe('layer,part,perplexity,increase_percent');
    expect(rows).toHaveLength(12);
    const increase = new Map(rows.map((row) => [row.split(',').slice(0, 2).join(), Number(row.split(',')[3])]));
    expect(increase.get('3,mha')).toBe(0);
    expect(Math.max(...increase.values())).toBe(increase.get('5,mlp'));
  });

  it('repairAndCompare.mjs shows that planted, repaired, is closer to the whole model than pruned', () => {
    const { stdout } = outcomeOf('repairAndCompare.mjs');
    const ppl = (model: string): number => Number(new RegExp(`^${model} +([\\d.]+)$`, 'm').exec(stdout)?.[1]);
    expect(ppl('pruned')).toBeGreaterThan(ppl('whole'));
    expect(Math.abs(ppl('repaired') - ppl('whole'))).toBeLessThan(Math.abs(ppl('pruned') - ppl('whole')));
  });

  it('attentionFirst.mjs is a method: the last attention goes first', async () => {
    const cwd = programFolder(parent);
    writeFileSync(join(cwd, 'attentionFirst.mjs'), fromCheckout(read('attentionFirst.mjs')));
    const { code, stdout, stderr } = await inProcess(
      'prune tiny:planted --tokens 512 --method ./attentionFirst.mjs --blocks 2 --out out --quiet'.split(' '),
      { cwd },
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/ 1 +L5\.mha[\s\S]* 2 +L4\.mha/);
  });
});
