import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { MaskError } from '../../../src/errors.ts';
import { documentName } from '../../../src/prune/documentName.ts';
import { renderReport } from '../../../src/prune/report/report.ts';
import { PAGE_SCRIPT, PAGE_SCRIPT_HASH } from '../../../src/prune/report/pageScript.generated.ts';
import type { PruneResult, StepResult } from '../../../src/prune/result.ts';
import { curvePoints } from '../../../src/prune/report/curvePoints.ts';
import { HOSTILE_TEXTS, arbitraryResult, evaluatedResult } from './arbitraryResult.ts';
import { elementsOf, parsePage, textOf, withClass } from './parseMarkup.ts';

/** Elements that can run code or ask the network for something. */
const ACTIVE = ['link', 'img', 'image', 'iframe', 'object', 'embed', 'form', 'base', 'use', 'foreignobject'];

/** One plausible document, for the examples. */
function example(): PruneResult {
  const [result] = fc.sample(arbitraryResult({ layers: 30 }), { seed: 7, numRuns: 1 });
  const ratios = { total: 0.1421, blocks: 0.18, depth: 0.2 };
  const step = {
    standardError: 0.04,
    bitsPerByte: null,
    ratio: ratios.total,
    ratios,
    nearTie: null,
    work: { done: 3, exact: 5, naive: 10 },
  };
  const candidates = [
    { block: 'L1.mha', ppl: 23.9 },
    { block: 'L2.mlp', ppl: 24.1 },
  ];
  return {
    ...result,
    model: { ...result.model, name: 'tiny', family: 'llama', numHiddenLayers: 5, blocks: 10, parameters: 1000000 },
    kind: 'mix',
    scores: undefined,
    provenance: undefined,
    stop: { blocks: 1 },
    stoppedBy: 'blocks',
    dense: { ppl: 19.2, nll: Math.log(19.2), natsPerToken: Math.log(19.2), standardError: 0.04, bitsPerByte: null },
    steps: [{ ...step, step: 1, removed: 'L1.mha', ppl: 23.9, candidates }],
    removed: ['L1.mha'],
  };
}

const tagText = (page: string, name: string): string => {
  return elementsOf(parsePage(page))
    .filter((element) => element.name === name)
    .map(textOf)
    .join('\n');
};

describe('report', () => {
  test.prop([arbitraryResult()])('is well-formed for any document, and the same for the same document', (result) => {
    const page = renderReport(result);
    expect(() => parsePage(page)).not.toThrow();
    expect(renderReport(structuredClone(result))).toBe(page);
  });

  test.prop([arbitraryResult()])('runs nothing but its own script, and fetches nothing', (result) => {
    const page = parsePage(renderReport(result));
    const [data, script, ...more] = elementsOf(page).filter(({ name }) => name === 'script');
    expect(more).toEqual([]);
    expect(data.attributes).toEqual({ type: 'application/json', id: 'result' });
    expect(script.attributes).toEqual({});
    expect(textOf(script)).toBe(PAGE_SCRIPT);
    const policy = elementsOf(page).find(({ attributes }) => attributes['http-equiv'] !== undefined);
    expect(policy?.attributes.content).toContain(`script-src 'sha256-${PAGE_SCRIPT_HASH}'`);
    for (const { name, attributes } of elementsOf(parsePage(renderReport(result)))) {
      expect(ACTIVE).not.toContain(name);
      expect(Object.keys(attributes).filter((key) => /^(on|src|xlink|style|action|data-)/.test(key))).toEqual([]);
      if ('href' in attributes) expect(attributes.href).toMatch(/^#[a-z]+$/);
    }
  });

  test.prop([arbitraryResult()])('carries the document along, whatever is in it', (result) => {
    const data = elementsOf(parsePage(renderReport(result))).find(({ attributes }) => attributes.id === 'result');
    const text = data === undefined ? '' : textOf(data);
    const model = { ...result.model, name: documentName(result.model.name) };
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ ...result, model })));
    expect(text).not.toMatch(/[<>&\u2028\u2029]/);
  });

  test.prop([arbitraryResult()])('draws with finite numbers only', (result) => {
    for (const { name, attributes } of elementsOf(parsePage(renderReport(result)))) {
      for (const [key, value] of Object.entries(attributes)) {
        if (['x', 'y', 'x1', 'x2', 'y1', 'y2', 'r', 'rx', 'width', 'height'].includes(key))
          expect(value).toMatch(/^-?\d+(\.\d+)?$/);
        if (['d', 'transform', 'viewBox'].includes(key))
          expect(`${name} ${value}`).not.toMatch(/NaN|Infinity|undefined|null|e[+-]/);
      }
    }
  });

  test.prop([arbitraryResult()])('never lets a missing value through as a word of the language', (result) => {
    const clean = {
      ...result,
      model: { ...result.model, name: 'm', family: 'f', contentHash: 'c' },
      sample: null,
      backend: 'b',
      method: { name: 'random', settings: { seed: 1 } },
      provenance: undefined,
    };
    const plain = {
      ...clean,
      version: 'v',
      data: { ...result.data, name: 'd', hash: 'h' },
      convention: { ...result.convention, text: 't', join: 'j' },
    };
    const page = renderReport(plain).replaceAll(/<script[^]*?<\/script>/g, '');
    expect(page).not.toMatch(/NaN|undefined|Infinity|\bnull\b|\[object/);
    expect(page).not.toMatch(/https?:\/\//);
  });

  test.prop([arbitraryResult(), fc.constantFrom(...HOSTILE_TEXTS)])(
    'shows every text of the document as text',
    (result, hostile) => {
      const sample = { prompt: hostile, before: `${hostile} before`, after: 'after' };
      const shown = hostile.replaceAll(/\p{Cc}/gu, '\uFFFD');
      const page = renderReport({ ...result, sample, model: { ...result.model, name: hostile }, backend: hostile });
      // A model is named without folders.
      expect(tagText(page, 'title')).toContain(documentName(hostile).replaceAll(/\p{Cc}/gu, '\uFFFD'));
      expect(tagText(page, 'dd')).toContain(shown);
      expect(tagText(page, 'p')).toContain(`${shown} before`);
    },
  );

  test.prop([arbitraryResult()])('names each part once, and every drawing and table says what it is', (result) => {
    const elements = elementsOf(parsePage(renderReport(result)));
    const ids = elements.flatMap(({ attributes }) => ('id' in attributes ? [attributes.id] : []));
    expect(new Set(ids).size).toBe(ids.length);
    for (const svg of elements.filter(({ name }) => name === 'svg')) {
      expect(svg.attributes.role).toBe('img');
      expect(
        elementsOf(svg)
          .slice(0, 2)
          .map(({ name }) => name),
      ).toEqual(['title', 'desc']);
    }
    for (const head of elements.filter(({ name }) => name === 'th'))
      expect(head.attributes.scope).toMatch(/^(row|col)$/);
    const labels = elements.flatMap(({ attributes }) => attributes['aria-labelledby'] ?? []);
    expect(labels.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test.prop([arbitraryResult()])('the table has the dense model and every step; the mask can be copied', (result) => {
    const page = parsePage(renderReport(result));
    const rows = withClass(page, 'steps')
      .flatMap(elementsOf)
      .filter(({ name }) => name === 'tr');
    expect(rows).toHaveLength(result.steps.length === 0 ? 0 : result.steps.length + 2);
    const mask = elementsOf(page).find(({ attributes }) => attributes.id === 'mask');
    expect(mask === undefined ? '' : textOf(mask)).toBe(result.removed.join(','));
  });

  test('the headline tells the run in one sentence', () => {
    expect(tagText(renderReport(example()), 'h1')).toBe(
      'Removed 1 of 10 blocks (14.2\u00A0% of parameters): perplexity 19.2 → 23.9',
    );
    const untouched = { ...example(), steps: [], removed: [] };
    expect(tagText(renderReport(untouched), 'h1')).toBe('Removed none of 10 blocks: perplexity stays 19.2');
  });

  test.each([
    ['blocks', { blocks: 1 }, 'the 1 block asked for was removed'],
    ['ratio', { ratio: 0.2 }, 'the ratio asked for, 20.0\u00A0%, was reached'],
    ['max-ppl', { maxPpl: 30 }, 'perplexity met its limit of 30.00'],
    ['max-increase', { maxIncrease: 20 }, 'perplexity met its limit of 20.0\u00A0% above dense'],
    ['no candidate left', {}, 'no candidate was left'],
    ['no finite candidate', {}, 'no candidate had a finite perplexity'],
  ] as const)('says why it ended: %s', (stoppedBy, stop, words) => {
    expect(tagText(renderReport({ ...example(), stoppedBy, stop }), 'dd')).toContain(words);
  });

  test('a block that the model does not have is an error, not a picture without it', () => {
    const result = example();
    const steps = [{ ...result.steps[0], removed: 'L99.mha' }];
    expect(() => renderReport({ ...result, steps })).toThrow(MaskError);
    expect(() => renderReport({ ...result, steps: [{ ...steps[0], removed: 'attention' }] })).toThrow(MaskError);
  });

  test('60 blocks by 12 steps with all there is stay under 250 kB', () => {
    const names = Array.from({ length: 60 }, (_, index) => `L${index >> 1}.${index % 2 === 0 ? 'mha' : 'mlp'}`);
    const [drawn] = fc.sample(evaluatedResult({ layers: 30 }), { seed: 7, numRuns: 1 });
    // Figures with as many digits as real ones have.
    const nats = (index: number): number => Math.sqrt(2 + index) / 7;
    const change = { nats: nats(1), natsError: nats(2) / 50, percent: 100 * nats(3), percentError: nats(4) };
    const steps = Array.from({ length: 12 }, (_, index): StepResult => {
      const candidates = names.slice(index).map((block, place) => ({ block, ppl: 20 * Math.exp(nats(index + place)) }));
      const ppl = candidates[0].ppl;
      const figures = { ppl, nll: nats(index), natsPerToken: nats(index), standardError: 1 / 7, bitsPerByte: 8 / 9 };
      const runnerUp = { ...candidates[1], margin: change };
      const common = { ...example().steps[0], step: index + 1, removed: names[index], candidates, change, runnerUp };
      return { ...common, ...figures, evaluation: { ...figures, change } };
    });
    const model = { ...drawn.model, name: 'smollm2-135m-instruct-q4_1.gguf', numHiddenLayers: 30, blocks: 60 };
    const passage = 'The European lobster is a species of clawed lobster from the eastern Atlantic Ocean. '.repeat(6);
    const sample = { prompt: 'Homarus gammarus', before: passage, after: passage };
    const page = renderReport({
      ...drawn,
      kind: 'mix',
      scores: undefined,
      model,
      steps,
      removed: names.slice(0, 12),
      sample,
    });
    expect(Buffer.byteLength(page)).toBeLessThan(250_000);
  });

  test.prop([evaluatedResult()])('draws the held-out text beside the other, and says its name', (result) => {
    const page = parsePage(renderReport(result));
    const finite = curvePoints(result).filter(({ heldOut }) => heldOut !== null && heldOut.ppl !== null).length;
    const curves = withClass(page, 'curve').length;
    expect(withClass(page, 'held-out-point')).toHaveLength(curves === 0 ? 0 : 2 * finite);
    const sentences = elementsOf(page).find(({ attributes }) => attributes.id === 'after-list');
    if (result.removed.length === 0) expect(sentences).toBeUndefined();
    else
      expect(elementsOf(sentences ?? page)).toHaveLength(
        1 + result.steps.filter(({ removed }) => removed !== null).length,
      );
  });

  test.prop([evaluatedResult()])('says what next with words that a shell reads', (result) => {
    const page = parsePage(renderReport(result));
    const next = elementsOf(page).find(({ attributes }) => attributes.id === 'next');
    expect(next === undefined).toBe(result.removed.length === 0);
    if (next === undefined) return;
    const commands = elementsOf(next)
      .filter(({ name }) => name === 'code')
      .map(textOf);
    expect(commands.every((command) => /^blockpruner (generate|perplexity|verify|repair|heal) /.test(command))).toBe(
      true,
    );
    const { model, out } = result.provenance?.settings ?? {};
    if (typeof out !== 'string' || out === '') expect(commands[0]).toContain(`--mask ${result.removed.join(',')}`);
    if (typeof model === 'string' && model.includes("'")) expect(commands[0]).toContain(String.raw`'\''`);
  });

  test('64 layers by 40 steps stay one page of moderate size', () => {
    const result = example();
    const names = Array.from({ length: 128 }, (_, index) => `L${index >> 1}.${index % 2 === 0 ? 'mha' : 'mlp'}`);
    const steps = Array.from({ length: 40 }, (_, index) => {
      const candidates = names.slice(index).map((block, place) => ({ block, ppl: 20 + index + place }));
      return { ...result.steps[0], step: index + 1, removed: names[index], ppl: 20 + index, candidates };
    });
    const page = renderReport({
      ...result,
      model: { ...result.model, numHiddenLayers: 64, blocks: 128 },
      steps,
      removed: names.slice(0, 40),
    });
    expect(
      elementsOf(parsePage(page)).filter(({ attributes }) => /^cell .*s\d$/.test(attributes.class ?? '')).length,
    ).toBeGreaterThan(4000);
    expect(page.length).toBeLessThan(1500000);
  });
});
