import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { readResult } from '../../src/prune/readResult.ts';
import { renderReport } from '../../src/prune/report/report.ts';
import { madeResult } from '../browser/madeResult.ts';
import { arbitraryResult, evaluatedResult, repairedResult } from './report/arbitraryResult.ts';

const any = fc.oneof(arbitraryResult(), evaluatedResult(), repairedResult());

describe('reading a result', () => {
  test.prop([any])('gives back what was written', (result) => {
    const text = JSON.stringify(result);
    expect(readResult(text, 'result.json')).toEqual(JSON.parse(text));
  });

  test.prop([any])('takes documents that older versions wrote, without what they did not have', (result) => {
    const old = structuredClone(result) as Partial<typeof result>;
    for (const field of ['method', 'provenance', 'scores', 'race', 'evaluation', 'repair'] as const) delete old[field];
    for (const step of old.steps ?? []) {
      delete step.change;
      delete step.runnerUp;
      delete step.evaluation;
      delete step.repair;
    }
    Object.assign(old, { data: { ...result.data, skippedChunks: undefined, notes: undefined, wholeText: undefined } });
    Object.assign(old, { convention: { ...result.convention, name: undefined } });
    const read = readResult(JSON.stringify(old), 'result.json');
    expect(renderReport(read)).toContain('Block pruning report');
  });

  test.prop([any, fc.nat(), fc.constantFrom<unknown>(null, 'x', -1, [], {}, true)], { numRuns: 200 })(
    'draws or refuses a damaged one, and never trips over it',
    (result, some, value) => {
      const damaged = JSON.parse(JSON.stringify(result)) as Record<string, unknown>;
      const places = placesOf(damaged);
      const [holder, key] = places[some % places.length];
      (holder as Record<string, unknown>)[key] = value;
      let read;
      try {
        read = readResult(JSON.stringify(damaged), 'result.json');
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        return;
      }
      expect(read.schema).toBe(result.schema);
    },
  );

  const made = madeResult('one', 1);
  it.each([
    ['no JSON', '{', 'is not valid JSON'],
    ['nothing', 'null', 'it has no schema'],
    ['another document', '{"schema":"blockpruner.repair/1"}', 'its schema is "blockpruner.repair/1"'],
    ['no steps', JSON.stringify({ ...made, steps: undefined }), 'steps is missing'],
    [
      'a word for a number',
      JSON.stringify({ ...made, dense: { ...made.dense, ppl: '20' } }),
      'dense.ppl is missing or',
    ],
    [
      'layers without end',
      JSON.stringify({ ...made, model: { ...made.model, numHiddenLayers: 1e9 } }),
      'model.numHiddenLayers',
    ],
    [
      'a block of another model',
      JSON.stringify({ ...made, model: { ...made.model, numHiddenLayers: 2 } }),
      'names a block that its model does not have',
    ],
    [
      'a candidate that is none',
      JSON.stringify({ ...made, steps: [{ ...made.steps[0], candidates: [3] }] }),
      'steps[0].candidates[0]',
    ],
  ])('refuses %s, and says where', (_, text, words) => {
    expect(() => readResult(text, 'runs/a/result.json')).toThrow(FormatError);
    expect(() => readResult(text, 'runs/a/result.json')).toThrow(words);
    expect(() => readResult(text, 'runs/a/result.json')).toThrow('runs/a/result.json');
  });
});

/** Every field of every object within. */
function placesOf(value: unknown): [object, string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]): [object, string][] => [[value, key], ...placesOf(inner)]);
}
