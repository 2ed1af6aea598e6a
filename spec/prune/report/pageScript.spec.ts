import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { candidatesCsv, stepsCsv } from '../../../src/prune/report/page/csv.ts';
import { nextCell, type Place } from '../../../src/prune/report/page/walk.ts';
import { PAGE_SCRIPT, PAGE_SCRIPT_HASH } from '../../../src/prune/report/pageScript.generated.ts';
import { reportScript } from '../../../src/web/bundle/reportScript.ts';
import { arbitraryResult, evaluatedResult } from './arbitraryResult.ts';

describe('the generated script', () => {
  it('is what its sources give', async () => {
    const file = new URL('../../../src/prune/report/pageScript.generated.ts', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(await reportScript());
  });

  it('has the hash that the policy names, asks for nothing and ends no element', () => {
    expect(createHash('sha256').update(PAGE_SCRIPT).digest('base64')).toBe(PAGE_SCRIPT_HASH);
    expect(PAGE_SCRIPT).not.toMatch(/<\/script|<!--|fetch\(|XMLHttpRequest|import\(|eval\(|innerHTML/);
    expect(PAGE_SCRIPT.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/);
    expect(PAGE_SCRIPT.length).toBeLessThan(12_000);
  });
});

describe('walking from cell to cell', () => {
  const grid = fc.uniqueArray(fc.record({ row: fc.nat({ max: 6 }), column: fc.nat({ max: 6 }).map((x) => 33 * x) }), {
    minLength: 1,
    selector: ({ row, column }) => `${row} ${column}`,
  });
  const go = (cells: readonly Place[], from: Place, key: string, ctrl = false): Place | null =>
    nextCell(cells, from, key, ctrl);

  test.prop([grid, fc.nat()])('goes to the nearest in that direction, and back', (cells, some) => {
    const from = cells[some % cells.length];
    for (const [key, back, along, across] of [
      ['ArrowLeft', 'ArrowRight', 'column', 'row'],
      ['ArrowUp', 'ArrowDown', 'row', 'column'],
    ] as const) {
      const next = go(cells, from, key);
      const less = cells.filter((cell) => cell[across] === from[across] && cell[along] < from[along]);
      if (next === null) {
        expect(less).toEqual([]);
        continue;
      }
      expect(next[along]).toBe(Math.max(...less.map((cell) => cell[along])));
      expect(next[across]).toBe(from[across]);
      expect(go(cells, next, back)).toBe(from);
    }
  });

  test.prop([grid, fc.nat()])('Home and End lead to the ends of the row, with Ctrl to those of all', (cells, some) => {
    const from = cells[some % cells.length];
    const row = cells.filter((cell) => cell.row === from.row).map(({ column }) => column);
    expect(go(cells, from, 'Home')).toEqual({ row: from.row, column: Math.min(...row) });
    expect(go(cells, from, 'End')).toEqual({ row: from.row, column: Math.max(...row) });
    const first = go(cells, from, 'Home', true);
    const last = go(cells, from, 'End', true);
    expect(cells.every((cell) => cell.row >= (first?.row ?? 0) && cell.row <= (last?.row ?? 0))).toBe(true);
    expect(go(cells, from, 'a')).toBeNull();
  });
});

/** A strict reader of CSV, of one line a row. */
function rowsOf(text: string): string[][] {
  expect(text.endsWith('\r\n')).toBe(true);
  return text
    .slice(0, -2)
    .split('\r\n')
    .map((line) =>
      [...`${line},`.matchAll(/(?:"((?:[^"]|"")*)"|([^",]*)),/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain,
      ),
    );
}

describe('tables as CSV', () => {
  test.prop([fc.oneof(arbitraryResult(), evaluatedResult())])('hold every step, as exact numbers', (result) => {
    const [head, dense, ...rows] = rowsOf(stepsCsv([result]));
    expect(rows).toHaveLength(result.steps.length);
    expect([dense, ...rows].every((row) => row.length === head.length)).toBe(true);
    const column = (row: readonly string[], name: string): string => row[head.indexOf(name)];
    for (const [index, { removed, ppl, evaluation }] of result.steps.entries()) {
      expect(column(rows[index], 'removed')).toBe(removed ?? '');
      expect(column(rows[index], 'perplexity')).toBe(ppl === null ? '' : String(ppl));
      expect(column(rows[index], 'eval_perplexity')).toBe(String(evaluation?.ppl ?? ''));
    }
  });

  test.prop([arbitraryResult()])('hold every candidate', (result) => {
    const [, ...rows] = rowsOf(candidatesCsv([result]));
    const all = result.steps.flatMap(({ step, candidates }) =>
      candidates.map(({ block, ppl }) => [String(step), block, String(ppl ?? '')]),
    );
    expect(rows.map((row) => row.slice(0, 3))).toEqual(all);
    const removed = rows.filter((row) => row[4] === '1').map((row) => row[1]);
    expect(removed.join(',')).toBe(result.removed.join(','));
  });

  test.prop([arbitraryResult(), arbitraryResult()])('of several runs have a column that tells them apart', (a, b) => {
    const [head, ...rows] = rowsOf(stepsCsv([a, b]));
    expect(head[0]).toBe('run');
    expect(rows.filter(([run]) => run === '2')).toHaveLength(b.steps.length + 1);
  });
});
