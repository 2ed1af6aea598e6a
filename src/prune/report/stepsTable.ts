import type { PruneResult, StepResult } from '../result.ts';
import { perplexityError } from './headline.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import { formatPercent, formatSignificant } from '../../drawing/numbers.ts';
import { copyable } from './copying.ts';
import { changeWords, marginWords } from './changeWords.ts';
import { removalsOf } from './removals.ts';
import { formatBlock } from '../../model/blockId.ts';
import { scrollable, section } from './section.ts';
import { formatPerplexity } from './perplexityWords.ts';

interface Column {
  readonly name: string;
  readonly cell: (step: StepResult) => Child;
  readonly numeric: boolean;
}

/** Every step in figures, and the mask to hand to the next command. */
export function stepsSection(result: PruneResult): Markup {
  const mask = removalsOf(result)
    .map(({ block }) => formatBlock(block))
    .join(',');
  return section(
    'steps',
    'Step by step',
    result.steps.length === 0
      ? element('p', {}, 'The search made no step.')
      : scrollable('Table of steps', table(result)),
    mask === '' ? null : copyable('mask', 'The mask, in the order of removal', mask),
  );
}

function table(result: PruneResult): Markup {
  const columns = columnsFor(result);
  const heads = columns.map(({ name, numeric }) =>
    element('th', { scope: 'col', class: numeric ? 'number' : undefined }, name),
  );
  const work = { done: 0, exact: 0, naive: 0 };
  const ratios = { total: 0, blocks: 0, depth: 0 };
  const evaluation =
    result.evaluation === undefined ? {} : { evaluation: { ...result.evaluation.dense, change: null } };
  const dense = { ...result.dense, ...evaluation, ratios, nearTie: null, candidates: [], ratio: 0, work };
  return element(
    'table',
    { class: 'steps' },
    element(
      'caption',
      {},
      'Ratios are cumulative. ± beside a perplexity is its own standard error over chunks; that of Δ, against the dense model, and of a runner-up, ' +
        'against the pick, is of the difference, paired over chunks.',
      result.repair?.when === 'each'
        ? ' Perplexity is that before a step’s repair, Repaired that after it, on all chunks; Held out is the latter on the chunks that no fit has seen. Δ is of Repaired.'
        : null,
      result.evaluation === undefined
        ? null
        : [' The eval text is ', element('bdi', {}, result.evaluation.data.name), ', by which nothing was chosen.'],
    ),
    element('thead', {}, element('tr', {}, heads)),
    element(
      'tbody',
      {},
      row({ ...dense, step: 0, removed: null }, columns),
      result.steps.map((step) => row(step, columns)),
    ),
  );
}

function row(step: StepResult, columns: readonly Column[]): Markup {
  return element(
    'tr',
    {},
    columns.map(({ cell, numeric }, index) => {
      const attributes = { class: numeric ? 'number' : undefined };
      return index === 0
        ? element('th', { ...attributes, scope: 'row' }, cell(step))
        : element('td', attributes, cell(step));
    }),
  );
}

function columnsFor(result: PruneResult): Column[] {
  const dense = result.dense.ppl;
  const columns: Column[] = [
    { name: 'Step', numeric: true, cell: ({ step }) => String(step) },
    { name: 'Removed', numeric: false, cell: removedCell },
    { name: 'Perplexity', numeric: true, cell: perplexityCell },
    ...(result.repair?.when === 'each' ? repairedColumns : []),
    {
      name: 'Δ',
      numeric: true,
      cell: (step) => (step.step === 0 ? null : changeWords(step, dense)) ?? '–',
    },
    { name: 'Parameters', numeric: true, cell: ({ ratios }) => formatPercent(ratios.total) },
    { name: 'Block parameters', numeric: true, cell: ({ ratios }) => formatPercent(ratios.blocks) },
    { name: 'Blocks', numeric: true, cell: ({ ratios }) => formatPercent(ratios.depth) },
  ];
  if (result.evaluation !== undefined) columns.push(...heldOutColumns(result.evaluation.dense.ppl));
  if (result.steps.some((step) => marginWords(step) !== null)) {
    columns.push({ name: 'Runner-up', numeric: false, cell: runnerUpCell });
  }
  if (result.steps.some(({ nearTie }) => nearTie !== null)) {
    columns.push({ name: 'Near-tie with', numeric: false, cell: nearTieCell });
  }
  if (result.dense.bitsPerByte !== null) {
    columns.push({
      name: 'Bits per byte',
      numeric: true,
      cell: ({ bitsPerByte }) => (bitsPerByte === null ? '–' : formatSignificant(bitsPerByte, 4)),
    });
  }
  return columns;
}

/** On the text of `--eval`. @param dense the whole model's perplexity there. */
function heldOutColumns(dense: number | null): Column[] {
  return [
    {
      name: 'On eval text',
      numeric: true,
      cell: ({ evaluation }) => (evaluation === undefined ? '–' : formatPerplexity(evaluation.ppl, evaluation.status)),
    },
    {
      name: 'Δ there',
      numeric: true,
      cell: ({ step, evaluation }) =>
        (step === 0 || evaluation === undefined ? null : changeWords(evaluation, dense)) ?? '–',
    },
  ];
}

/** What repair in the loop adds: `ppl` is then the price before the step's repair. */
const repairedColumns: readonly Column[] = [
  {
    name: 'Repaired',
    numeric: true,
    cell: ({ repair }) => (repair === undefined ? '–' : formatPerplexity(repair.ppl, repair.status)),
  },
  {
    name: 'Held out',
    numeric: true,
    cell: ({ repair }) => (repair?.heldOut?.repaired === undefined ? '–' : formatPerplexity(repair.heldOut.repaired)),
  },
];

/** `29.31 ± 3.0`, the error being that of the perplexity itself. */
function perplexityCell(step: StepResult): Child {
  const error = perplexityError(step);
  const ppl = formatPerplexity(step.ppl, step.status);
  return error === null ? ppl : [ppl, element('span', { class: 'quiet' }, `\u00A0±\u00A0${error}`)];
}

function removedCell(step: StepResult): Child {
  if (step.step === 0) return 'dense';
  return step.removed === null ? 'nothing' : element('code', {}, step.removed);
}

function runnerUpCell(step: StepResult): Child {
  const margin = marginWords(step);
  return margin === null ? '–' : [element('code', {}, step.runnerUp?.block ?? ''), ` ${margin}`];
}

function nearTieCell({ nearTie }: StepResult): Child {
  return nearTie === null ? '–' : [element('code', {}, nearTie.block), ` ${formatPerplexity(nearTie.ppl)}`];
}
