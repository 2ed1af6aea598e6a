/** What the report shows of a repair, and that nothing shows where there was none. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { formatSignificant } from '../../../src/drawing/numbers.ts';
import { renderCurve } from '../../../src/prune/report/curve.ts';
import { curvePoints } from '../../../src/prune/report/curvePoints.ts';
import { headline } from '../../../src/prune/report/headline.ts';
import { lastStep } from '../../../src/prune/report/removals.ts';
import { repairSection } from '../../../src/prune/report/repairSection.ts';
import { renderReport } from '../../../src/prune/report/report.ts';
import { HOSTILE_TEXTS, arbitraryResult, repairedResult } from './arbitraryResult.ts';
import { elementsOf, parseMarkup, parsePage, textOf, withClass } from './parseMarkup.ts';

describe('the report of a repaired result', () => {
  test.prop([repairedResult()])('is well-formed, the same for the same document, and labelled', (result) => {
    const page = renderReport(result);
    expect(() => parsePage(page)).not.toThrow();
    expect(renderReport(structuredClone(result))).toBe(page);
    const ids = elementsOf(parsePage(page)).flatMap(({ attributes }) => ('id' in attributes ? [attributes.id] : []));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('repair');
    if (lastStep(result) !== null) expect(headline(result)).toMatch(/ and repaired: perplexity .+ → .+ → .+ on /);
  });

  test.prop([arbitraryResult()])('without one nothing speaks of it', (result) => {
    const method = { name: 'random', settings: {} };
    const plain = { ...result, method, sample: null, backend: 'b', version: 'v' };
    expect(repairSection(plain)).toBeNull();
    expect(headline(plain)).not.toContain('repaired');
    const drawn = renderCurve(plain, 920, 400);
    if (drawn !== null) expect(withClass(parseMarkup(drawn.markup), 'repaired-trace')).toEqual([]);
  });

  test.prop([repairedResult()])('judges by another text where there is one, else by held-out chunks', (result) => {
    const { evaluation, heldOut, fitted } = result.repair;
    if (lastStep(result) === null) return;
    const { repaired } = evaluation ?? heldOut ?? fitted;
    const where = evaluation !== null ? 'another text' : heldOut !== null ? 'held-out chunks' : 'the fitted chunks';
    const last = headline(result).split(' → ')[2];
    expect(last.endsWith(` on ${where}`)).toBe(true);
    if (repaired.ppl !== null) expect(last.startsWith(formatSignificant(repaired.ppl, 3))).toBe(true);
  });

  test.prop([repairedResult()])(
    'states the share that is back with its error, and without one in older documents',
    (result) => {
      const words = (changes: object): string => {
        const fitted = { ...result.repair.fitted, ...changes };
        const [first] = elementsOf(
          parseMarkup(repairSection({ ...result, repair: { ...result.repair, fitted } })?.markup ?? ''),
        )
          .filter(({ name }) => name === 'tbody')
          .flatMap((body) => elementsOf(body).filter(({ name }) => name === 'tr'));
        return textOf(first);
      };
      expect(words({ back: { share: 0.7412, standardError: 0.0093 } })).toMatch(/74\.12\u00A0±\u00A00\.93\u00A0%$/);
      expect(words({ back: { share: -0.1, standardError: null } })).toMatch(/\u221210\u00A0%$/);
      expect(words({ back: null })).toMatch(/(?:%|–)$/);
      expect(words({ back: null })).not.toContain('±');
    },
  );

  test.prop([repairedResult()])('shows a row a text and a row a block', (result) => {
    const { heldOut, evaluation, blocks } = result.repair;
    const markup = repairSection(result)?.markup ?? '';
    const tables = elementsOf(parseMarkup(markup)).filter(({ name }) => name === 'tbody');
    const rows = tables.map((table) => elementsOf(table).filter(({ name }) => name === 'tr').length);
    const texts = 1 + (heldOut === null ? 0 : 1) + (evaluation === null ? 0 : 1);
    expect(rows).toEqual(blocks.length === 0 ? [texts] : [texts, blocks.length]);
  });

  test.prop([repairedResult(), fc.constantFrom(...HOSTILE_TEXTS)])(
    'shows names and reasons as text',
    (result, hostile) => {
      const shown = hostile.replaceAll(/\p{Cc}/gu, '\uFFFD');
      const blocks = result.repair.blocks.map((fit) => ({ ...fit, kept: hostile }));
      const { evaluation } = result.repair;
      const named = evaluation === null ? null : { ...evaluation, data: { ...evaluation.data, name: hostile } };
      const page = parsePage(renderReport({ ...result, repair: { ...result.repair, blocks, evaluation: named } }));
      const texts = elementsOf(page)
        .filter(({ name }) => name === 'td' || name === 'bdi')
        .map(textOf);
      if (blocks.length > 0) expect(texts).toContain(`kept: ${shown}`);
      if (named !== null) expect(texts).toContain(shown);
    },
  );

  test.prop([repairedResult()])('draws every repaired model within the plot, and the last one in words', (result) => {
    const drawn = renderCurve(result, 380, 340);
    fc.pre(drawn !== null);
    const drawing = parseMarkup(drawn?.markup ?? '');
    const points = curvePoints(result).filter(({ repaired }) => repaired !== null && repaired.ppl !== null);
    expect(withClass(drawing, 'repaired-point')).toHaveLength(points.length);
    expect(withClass(drawing, 'repaired-trace')).toHaveLength(points.length > 0 ? 1 : 0);
    for (const node of withClass(drawing, 'repaired-point')) {
      const [, x, y] = /^translate\(([\d.]+) ([\d.]+)\)$/.exec(node.attributes.transform) ?? [];
      expect(Number(x) > 0 && Number(x) < 380 && Number(y) >= 30 && Number(y) <= 340 - 66).toBe(true);
    }
  });

  test.prop([repairedResult()])('gives both figures of a step where the search repaired in its loop', (result) => {
    fc.pre(result.steps.length > 0);
    const page = parsePage(renderReport(result));
    const heads = elementsOf(page)
      .filter(({ name }) => name === 'th')
      .map(textOf);
    expect(heads.includes('Held out')).toBe(result.repair.when === 'each');
  });

  test.prop([repairedResult()])('never lets a missing value through as a word of the language', (result) => {
    const clean = {
      ...result,
      model: { ...result.model, name: 'm', family: 'f', contentHash: 'c' },
      sample: null,
      backend: 'b',
      version: 'v',
      method: { name: 'random', settings: { seed: 1 } },
      data: { ...result.data, name: 'd', hash: 'h', notes: [] },
      convention: { ...result.convention, text: 't', join: 'j' },
    };
    const { evaluation, blocks } = result.repair;
    const repair = {
      ...result.repair,
      evaluation: evaluation === null ? null : { ...evaluation, data: { ...evaluation.data, name: 'e' } },
      blocks: blocks.map((fit) => ({ ...fit, kept: fit.kept === null ? null : 'k' })),
    };
    const page = renderReport({ ...clean, repair, provenance: undefined });
    expect(page.replaceAll(/<script[^]*?<\/script>/g, '')).not.toMatch(/NaN|undefined|Infinity|\bnull\b|\[object/);
  });
});
