/**
 * `blockpruner report`: old runs drawn anew, several side by side, and nothing of others replaced.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { renderReport } from '../../src/prune/report/report.ts';
import { madeResult } from '../browser/madeResult.ts';
import { inProcess } from './inProcess.ts';
import type { Outcome } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-report-'));
afterAll(() => rmSync(folder, { recursive: true }));
const report = (...args: string[]): Promise<Outcome> => inProcess(['report', ...args], { cwd: folder });
const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
const [one, two] = [madeResult('one', 1), madeResult('two', 2)];

beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  for (const [name, result] of [
    ['one', one],
    ['two', two],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'result.json'), JSON.stringify(result));
  }
});

describe('blockpruner report', () => {
  it('draws a run anew, beside its result, as often as one likes', async () => {
    for (const _ of [1, 2]) {
      const { code, stdout, stderr } = await report('one');
      expect(code, stderr).toBe(0);
      expect(stdout).toBe(`report: ${join('one', 'report.html')}\n`);
      expect(read('one', 'report.html')).toBe(renderReport(one));
    }
  });

  it('puts several side by side, by the names of their folders, and touches nothing in these', async () => {
    const { code, stderr } = await report('one', 'two');
    expect(code, stderr).toBe(0);
    expect(read('comparison.html')).toBe(renderReport([one, two], ['one', 'two']));
    expect(() => read('one', 'report.html')).toThrow();
    expect((await report('two', 'one', '--out', 'other.html')).code).toBe(0);
    expect(read('other.html')).toBe(renderReport([two, one], ['two', 'one']));
  });

  it('tells two folders of one name apart', async () => {
    mkdirSync(join(folder, 'more', 'one'), { recursive: true });
    writeFileSync(join(folder, 'more', 'one', 'result.json'), JSON.stringify(two));
    expect((await report('one', join('more', 'one'))).code).toBe(0);
    expect(read('comparison.html')).toBe(renderReport([one, two], ['one', 'one (2)']));
  });

  it('warns where levels do not compare, and draws them all the same', async () => {
    writeFileSync(
      join(folder, 'two', 'result.json'),
      JSON.stringify({ ...two, data: { ...two.data, hash: 'another' } }),
    );
    const { code, stderr } = await report('one', 'two');
    expect(code).toBe(0);
    expect(stderr).toContain('The runs were measured on different texts.');
  });

  it.each([
    ['a folder that is not there', ['nothing'], 1, /nothing: there is no such folder/],
    ['a folder without a result', ['.'], 1, /has no result\.json/],
    ['a file', [join('one', 'result.json')], 1, /is not a folder/],
    ['one run twice', ['one', './one/'], 2, /is given twice/],
    ['no folder', [], 2, /missing required argument/],
    ['an empty name', ['one', '--out', ''], 2, /--out: is empty/],
    ['a folder for the page', ['one', '--out', 'two'], 1, /two: is a folder, where a file would be written/],
    ['the page in no folder', ['one', '--out', 'no/page.html'], 1, /no: there is no such folder/],
    ['what is read', ['one', '--out', 'one/result.json', '--force'], 2, /is what this command reads/],
  ] as const)('refuses %s', async (_, args, code, line) => {
    const outcome = await report(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(line);
    expect(outcome.stdout).toBe('');
  });

  it('replaces no file of others, unless it is told to', async () => {
    writeFileSync(join(folder, 'one', 'report.html'), '<h1>Mine</h1>');
    const refused = await report('one');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is not a report and would be replaced');
    expect(read('one', 'report.html')).toBe('<h1>Mine</h1>');
    expect((await report('one', '--force')).code).toBe(0);
    expect(read('one', 'report.html')).toBe(renderReport(one));
  });
});
