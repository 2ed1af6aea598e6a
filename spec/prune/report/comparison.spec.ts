import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { common } from '../../../src/prune/report/comparison.ts';
import { differences, namedRuns, warningsOf } from '../../../src/prune/report/comparedRuns.ts';
import { renderReport } from '../../../src/prune/report/report.ts';
import type { PruneResult } from '../../../src/prune/result.ts';
import { madeResult } from '../../browser/madeResult.ts';
import { arbitraryResult, evaluatedResult } from './arbitraryResult.ts';
import { elementsOf, parsePage, textOf, withClass, type Node } from './parseMarkup.ts';

const several = fc.array(fc.oneof(arbitraryResult(), evaluatedResult()), { minLength: 2, maxLength: 8 });
const partOf = (page: Node, id: string): Node => {
  const found = elementsOf(page).find(({ attributes }) => attributes.id === id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
};
const rowsOf = (part: Node): Node[] =>
  elementsOf(part).filter(({ name, children }) => name === 'tr' && children.length > 0);

describe('runs side by side', () => {
  test.prop([several])('is well-formed for any documents, and the same for the same documents', (results) => {
    const page = renderReport(results);
    expect(() => parsePage(page)).not.toThrow();
    expect(renderReport(structuredClone(results))).toBe(page);
    expect(page.replaceAll(/<script[^]*?<\/script>/g, '')).not.toMatch(/="[^"]*(?:NaN|undefined|Infinity)[^"]*"/);
  });

  test.prop([several])('has a line, a row and a picture for each run', (results) => {
    const page = parsePage(renderReport(results));
    expect(rowsOf(partOf(page, 'runs'))).toHaveLength(results.length + 1);
    expect(rowsOf(partOf(page, 'masks'))).toHaveLength(results.length + 1);
    expect(withClass(partOf(page, 'masks'), 'layers')).toHaveLength(2 * results.length);
    const curves = withClass(partOf(page, 'curve'), 'curve');
    for (const curve of curves) expect(withClass(curve, 'run')).toHaveLength(results.length);
  });

  test.prop([several])('names each part once, and says what every drawing is', (results) => {
    const elements = elementsOf(parsePage(renderReport(results)));
    const ids = elements.flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const svg of elements.filter(({ name }) => name === 'svg')) expect(svg.attributes.role).toBe('img');
  });

  test.prop([several])('a page of one is that run’s own report', ([result]) => {
    expect(renderReport([result])).toBe(renderReport(result));
  });

  it('refuses a list without a document', () => {
    expect(() => renderReport([])).toThrow('there is no result to draw');
  });

  it('gives each run at the first step that has removed so much', () => {
    const results = [madeResult('one', 1), madeResult('two', 2)];
    const rows = rowsOf(partOf(parsePage(renderReport(results)), 'shares')).slice(1);
    for (const row of rows) {
      const [head, ...cells] = row.children.filter((child): child is Node => typeof child !== 'string');
      const share = Number(/≥ ([\d.]+)/.exec(textOf(head))?.[1]) / 100;
      for (const [index, cell] of cells.entries()) {
        const step = results[index].steps.find(({ ratios }) => ratios.total >= share);
        const words = step === undefined ? '–' : `${step.ppl?.toFixed(2)}, `;
        expect(textOf(cell).startsWith(words)).toBe(true);
        if (step !== undefined) expect(textOf(cell)).toContain(`step ${step.step}`);
      }
    }
    expect(rows.length).toBeGreaterThan(3);
  });
});

describe('what differs', () => {
  const base = madeResult('one', 1);
  const namesOf = (other: PruneResult): string[] => differences(namedRuns([base, other])).map(({ name }) => name);

  it('is nothing for two equal runs, which compare', () => {
    expect(namesOf(structuredClone(base))).toEqual([]);
    expect(warningsOf(namedRuns([base, base]))).toEqual([]);
  });

  it.each([
    ['model', { model: { ...base.model, contentHash: 'x' } }, 'Model hash', 'different models'],
    ['text', { data: { ...base.data, hash: 'x' } }, 'Data hash', 'different texts'],
    ['convention', { convention: { ...base.convention, text: 'x' } }, 'Convention', 'different conventions'],
  ] as const)('warns where another %s was used, and refuses nothing', (_, change, name, words) => {
    const other = { ...base, ...change };
    expect(namesOf(other)).toEqual([name]);
    expect(warningsOf(namedRuns([base, other])).join()).toContain(words);
    const page = parsePage(renderReport([base, other]));
    expect(textOf(withClass(page, 'warning')[0])).toContain(words);
    expect(textOf(page)).toContain('Perplexity over that of the dense model');
  });

  it.each([
    ['method', { method: { name: 'random', settings: {} } }, 'Method'],
    ['rule', { stop: { ratio: 0.3 } }, 'Stop rules'],
    ['backend', { backend: 'reference' }, 'Backend'],
    ['kind', { kind: 'mha' as const }, 'Candidates'],
  ])('names another %s, and warns of nothing', (_, change, name) => {
    const other = { ...base, ...change };
    expect(namesOf(other)).toEqual([name]);
    expect(warningsOf(namedRuns([base, other]))).toEqual([]);
  });
});

describe('names and letters', () => {
  it('tell 60 runs apart', () => {
    const runs = namedRuns(Array.from({ length: 60 }, () => madeResult('x', 1)));
    expect(new Set(runs.map(({ letter }) => letter)).size).toBe(60);
    expect(runs.slice(0, 2).map(({ letter }) => letter)).toEqual(['A', 'B']);
  });

  it('come from what differs', () => {
    const base = madeResult('one', 1);
    const names = (other: PruneResult): string[] => namedRuns([base, other]).map(({ name }) => name);
    expect(names({ ...base, method: { name: 'random', settings: {} } })).toEqual(['blockpruner', 'random']);
    expect(names({ ...base, model: { ...base.model, name: 'other' } })).toEqual(['made', 'other']);
    expect(names(base)).toEqual(['run 1', 'run 2']);
  });
});

describe('blocks in common', () => {
  const blocks = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));

  test.prop([blocks, blocks])('are as many either way, and no more than the shorter has', (a, b) => {
    expect(common(a, b)).toBe(common(b, a));
    const [many, of] = common(a, b).split(' of ').map(Number);
    expect(of).toBe(Math.min(a.length, b.length));
    expect(many).toBeLessThanOrEqual(of);
    expect(many).toBe(a.slice(0, of).filter((name) => b.slice(0, of).includes(name)).length);
  });
});
