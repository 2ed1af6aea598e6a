import type { PruneResult, StepResult } from '../result.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import { formatPercent, plural } from '../../drawing/numbers.ts';
import { scrollable, section } from './section.ts';
import { formatPerplexity } from './perplexityWords.ts';

/**
 * What racing saved and what it left undecided until all data were seen; null for an exact search.
 */
export function raceSection({ race, steps, work }: PruneResult): Markup | null {
  if (race === undefined) return null;
  const { done, exact, naive } = work;
  const share = (part: number, whole: number): string => formatPercent(whole === 0 ? 1 : part / whole);
  return section(
    'race',
    'The race',
    element(
      'p',
      {},
      `Candidates that were worse beyond doubt on part of the data were dropped: each step’s pick is the exact search’s with confidence ${race.confidence}. `,
      `This took ${share(done, exact)} of the block passes of measuring every candidate on all chunks, and `,
      `${share(done, naive)} of those of running every candidate’s model from scratch.`,
    ),
    steps.length === 0 ? null : scrollable('Table of the race', table(steps)),
  );
}

const HEADS = ['Step', 'Candidates', 'Dropped after', 'On all chunks', 'Closest rival', 'Of exact passes'];

function table(steps: readonly StepResult[]): Markup {
  return element(
    'table',
    { class: 'steps' },
    element(
      'caption',
      {},
      'Dropped after: candidates dropped × chunks seen by then. The closest rival saw all chunks too.',
    ),
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        HEADS.map((head) => element('th', { scope: 'col' }, head)),
      ),
    ),
    element('tbody', {}, steps.map(row)),
  );
}

function row(step: StepResult): Markup {
  const { race, work } = step;
  const looks = race?.looks.map(({ dropped, chunks }) => `${dropped.length} × ${plural(chunks, 'chunk')}`).join(', ');
  const passes = work.exact === 0 ? '–' : formatPercent(work.done / work.exact);
  const cells: Child[] = [
    String(step.candidates.length),
    looks === undefined || looks === '' ? '–' : looks,
    race === undefined ? '–' : String(race.survivors),
    rivalOf(step),
    passes,
  ];
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, String(step.step)),
    cells.map((cell) => element('td', {}, cell)),
  );
}

/** The best of the others that were measured on all chunks. */
function rivalOf(step: StepResult): Child {
  let best: { block: string; ppl: number } | null = null;
  for (const { block, ppl } of step.candidates) {
    if (block !== step.removed && ppl !== null && ppl < (best?.ppl ?? Infinity)) best = { block, ppl };
  }
  return best === null ? '–' : [element('code', {}, best.block), ` ${formatPerplexity(best.ppl)}`];
}
