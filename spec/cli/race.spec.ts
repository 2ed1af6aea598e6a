/** `prune --search race` from the command line: its words, its document, and how it resumes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PruneResult } from '../../src/prune/result.ts';
import { inProcess } from './inProcess.ts';
import { prune } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-race-'));
afterAll(() => rmSync(folder, { recursive: true }));

const settings = ['--chunk', '32', '--tokens', '1024', '--blocks', '3', '--backend', 'simd'];
const race = (out: string, ...rest: string[]): string[] =>
  prune('--search', 'race', '--out', out, ...settings, ...rest);
const documentOf = (out: string): PruneResult =>
  JSON.parse(readFileSync(join(folder, out, 'result.json'), 'utf8')) as PruneResult;

describe('a race', () => {
  let stdout = '';
  let stderr = '';
  beforeAll(async () => {
    const outcome = await inProcess(race('race'), { cwd: folder });
    expect(outcome.code, outcome.stderr).toBe(0);
    ({ stdout, stderr } = outcome);
  });

  it('says how many candidates it dropped, and what share of the work it took', () => {
    const { steps, work, race: stated } = documentOf('race');
    const finalists = steps.reduce((sum, step) => sum + (step.race?.survivors ?? 0), 0);
    const all = steps.reduce((sum, step) => sum + step.candidates.length, 0);
    expect(stated).toMatchObject({ confidence: 0.99, seed: 0 });
    expect(stdout).toContain('race at confidence 0.99 a step: ');
    expect(stdout).toContain(`${all - finalists} candidates dropped, ${finalists} measured on all chunks`);
    expect(finalists).toBeLessThan(all);
    expect(work.done).toBeLessThan(work.exact);
    expect(stderr.match(/ of them on all chunks, [\d.]+ % of exact mode's passes/g)).toHaveLength(steps.length);
  });

  it('removes what the exact search removes, at the same perplexities', async () => {
    const exact = await inProcess(prune('--out', 'exact', ...settings, '--quiet'), { cwd: folder });
    expect(exact.code, exact.stderr).toBe(0);
    const of = ({ steps }: PruneResult): unknown => steps.map(({ removed, ppl }) => [removed, ppl]);
    expect(of(documentOf('race'))).toEqual(of(documentOf('exact')));
    expect(exact.stdout).not.toContain('race at confidence');
  });

  it('another confidence or seed is another journal', async () => {
    for (const option of [
      ['--confidence', '0.9'],
      ['--seed', '7'],
    ]) {
      const { code, stderr: said } = await inProcess(race('race', ...option), { cwd: folder });
      expect(code).toBe(1);
      expect(said).toMatch(/journal\.jsonl: belongs to a run with other settings\. Use another --out/);
    }
  });

  it('a finished one answers from its journal, and one cut short goes on to the same end', async () => {
    const journal = join(folder, 'race', 'journal.jsonl');
    const text = readFileSync(journal, 'utf8');
    const whole = documentOf('race');
    const lines = text.trimEnd().split('\n');
    for (const kept of [lines.length, lines.length - 1, Math.ceil(lines.length / 2), 2]) {
      writeFileSync(journal, `${lines.slice(0, kept).join('\n')}\n`);
      const { code, stderr: said } = await inProcess(race('race'), { cwd: folder });
      expect(code, said).toBe(0);
      expect(said).toContain('resuming from ');
      expect(documentOf('race').steps).toEqual(whole.steps);
    }
  });

  it('prints nothing but its document with --json', async () => {
    const { code, stdout: printed } = await inProcess(race('race', '--json', '--quiet'), { cwd: folder });
    expect(code).toBe(0);
    expect(JSON.parse(printed)).toEqual(documentOf('race'));
  });
});
