/**
 * A race in the report: what it saved, and that a dropped candidate is not taken for a measured
 * one.
 */
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { heatLevel, STEP_RAMP } from '../../src/prune/report/heatRamp.ts';
import { renderReport } from '../../src/prune/report/report.ts';
import type { CandidateScore, PruneResult } from '../../src/prune/result.ts';
import { arbitraryResult } from './report/arbitraryResult.ts';
import { elementsOf, parsePage, textOf, withClass } from './report/parseMarkup.ts';

const exact = arbitraryResult({ layers: 4, steps: 4 });

/** The same run as a race that dropped every candidate that was not picked, after `seen` chunks. */
function asRace(result: PruneResult, seen: CandidateScore['seen']): PruneResult {
  const work = { done: 25, exact: 100, naive: 200 };
  const steps = result.steps.map((step) => {
    const candidates = step.candidates.map((candidate): CandidateScore => {
      if (candidate.block === step.removed || candidate.ppl === null) return candidate;
      return { block: candidate.block, ppl: null, status: 'dropped', seen };
    });
    const dropped = candidates.filter(({ status }) => status === 'dropped').map(({ block }) => block);
    const looks = dropped.length === 0 ? [] : [{ chunks: seen?.chunks ?? 0, candidates: candidates.length, dropped }];
    return {
      ...step,
      candidates,
      nearTie: null,
      work,
      race: { looks, survivors: candidates.length - dropped.length },
    };
  });
  // Only a method that scores once has scores, and none of those races.
  const { scores: _, ...searched } = result;
  return { ...searched, steps, work, race: { confidence: 0.987, seed: 1 } };
}

const dropsOf = (result: PruneResult): CandidateScore[] =>
  result.steps.flatMap(({ candidates }) => candidates.filter(({ status }) => status === 'dropped'));

test.prop([
  exact,
  fc.integer({ min: 2, max: 9 }),
  fc.option(fc.double({ min: 0.5, max: 50, noNaN: true }), { nil: null }),
])(
  'a dropped candidate is coloured by what was seen of it against the pick, notched, and said to be dropped',
  (result, chunks, againstPick) => {
    const race = asRace(result, { chunks, ppl: 7, againstPick });
    const page = parsePage(renderReport(race));
    const cells = withClass(page, 'dropped');
    expect(cells).toHaveLength(dropsOf(race).length);
    for (const cell of cells) {
      expect(textOf(cell)).toContain(`dropped after ${chunks} chunks`);
      const rect = elementsOf(cell).find((node) => node.name === 'rect');
      const within = againstPick === null ? undefined : `s${heatLevel(Math.max(1, againstPick), 1, STEP_RAMP)}`;
      expect(rect?.attributes.class?.split(' ').at(-1)).toBe(within);
      expect(elementsOf(cell).filter((node) => node.name === 'path')).toHaveLength(1);
    }
  },
);

test.prop([exact])('the section says what was saved; an exact search has none', (result) => {
  const sections = (document: PruneResult): string[] =>
    elementsOf(parsePage(renderReport(document)))
      .filter((node) => node.name === 'section' && node.attributes.id === 'race')
      .map(textOf);
  expect(sections(result)).toEqual([]);
  const [text] = sections(asRace(result, { chunks: 3, ppl: 7, againstPick: 2 }));
  for (const words of ['0.987', '25.0\u00A0%', '12.5\u00A0%']) expect(text).toContain(words);
});

it('names the closest rival that was measured on all chunks', () => {
  const [drawn] = fc.sample(
    exact.filter(({ steps }) => (steps[0]?.candidates.length ?? 0) > 2 && steps[0].removed !== null),
    {
      numRuns: 1,
      seed: 1,
    },
  );
  const [first] = drawn.steps;
  const [rival, ...others] = first.candidates.filter(({ block }) => block !== first.removed);
  const candidates: CandidateScore[] = [
    ...first.candidates.filter(({ block }) => block === first.removed),
    { block: rival.block, ppl: 31.25 },
    ...others.map(({ block }): CandidateScore => ({ block, ppl: null, status: 'dropped' })),
  ];
  const race = asRace({ ...drawn, steps: [{ ...first, candidates }] }, undefined);
  race.steps[0].candidates = candidates;
  const section = elementsOf(parsePage(renderReport(race))).find((node) => node.attributes.id === 'race');
  expect(section === undefined ? '' : textOf(section)).toContain(`${rival.block} 31.25`);
});
