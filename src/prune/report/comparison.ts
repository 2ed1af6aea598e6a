import { element, type Child, type Markup } from '../../drawing/html.ts';
import { formatChange, formatCount, formatPercent, formatSeconds, plural } from '../../drawing/numbers.ts';
import { drawing } from '../../drawing/svg.ts';
import { linearTicks } from '../../drawing/axis.ts';
import { renderComparedCurve, runMark, RUN_STYLES } from './comparedCurve.ts';
import {
  blocksOf,
  comparable,
  differences,
  pointsOf,
  warningsOf,
  type NamedRun,
  type RunPoint,
} from './comparedRuns.ts';
import { pageOf } from './frame.ts';
import { headline, methodWords } from './headline.ts';
import { renderLayerPicture } from './layerPicture.ts';
import { formatPerplexity } from './perplexityWords.ts';
import { finalFigures, lastStep } from './removals.ts';
import { saves } from './saves.ts';
import { scrollable, section } from './section.ts';

/** Two or more runs side by side, as one page. @throws MaskError as a single report. */
export function renderComparison(runs: readonly NamedRun[]): string {
  const models = [...new Set(runs.map(({ result }) => result.model.name))];
  return pageOf({
    title: `${runs.length} runs side by side: ${models.join(', ')}`,
    rules: '',
    body: [
      masthead(runs, models),
      runsSection(runs),
      curveSection(runs),
      sharesSection(runs),
      masksSection(runs),
      settingsSection(runs),
    ],
    data: runs.map(({ result }) => result),
  });
}

function masthead(runs: readonly NamedRun[], models: readonly string[]): Markup {
  const warnings = warningsOf(runs);
  return element(
    'header',
    {},
    element('p', { class: 'kicker' }, 'Block pruning report · ', element('bdi', {}, models.join(', '))),
    element('h1', {}, `${formatCount(runs.length)} runs side by side`),
    warnings.length === 0
      ? element('p', { class: 'lead' }, 'One model, one text, one convention: perplexities compare directly.')
      : element(
          'div',
          { class: 'warning', role: 'note' },
          element('p', {}, ...warnings.map((warning) => `${warning} `)),
          element(
            'p',
            {},
            'Levels of perplexity do not compare then. Changes against each run’s own dense model do, with care.',
          ),
        ),
    saves(
      ['save-json', 'The results as JSON'],
      ['save-steps', 'Steps as CSV'],
      ['save-candidates', 'Candidates as CSV'],
    ),
  );
}

/** Each run with its letter, its mark and where it ended. */
function runsSection(runs: readonly NamedRun[]): Markup {
  const heads = ['Run', 'Name', 'Method', 'Dense', 'Pruned', 'Δ', 'Parameters', 'Blocks', 'Computing'];
  const rows = runs.map(({ letter, name, result }, index) => {
    const { dense, model } = result;
    const final = finalFigures(result);
    const change = final.ppl === null || dense.ppl === null ? '–' : formatChange(final.ppl, dense.ppl);
    return element(
      'tr',
      {},
      element('th', { scope: 'row', class: 'run-name' }, swatch(letter, index), letter),
      cell(element('bdi', {}, name)),
      cell(methodWords(result)),
      cell(formatPerplexity(dense.ppl, dense.status), true),
      cell(formatPerplexity(final.ppl, final.status), true),
      cell(change, true),
      cell(formatPercent(lastStep(result)?.ratios.total ?? 0), true),
      cell(`${formatCount(result.removed.length)} of ${formatCount(model.blocks)}`, true),
      cell(formatSeconds(result.seconds), true),
    );
  });
  return section('runs', 'The runs', scrollable('The runs', tableOf(heads, rows, 3)));
}

function swatch(letter: string, index: number): Markup {
  return drawing(
    { width: 34, height: 12, class: `swatch run run-${index % RUN_STYLES}` },
    { title: `Line of ${letter}`, description: 'The line and mark of this run in the drawing.' },
    element('path', { class: 'trace', d: 'M0 6H34' }),
    element('g', { class: 'mark', transform: 'translate(17 6)' }, runMark(index)),
  );
}

function curveSection(runs: readonly NamedRun[]): Markup {
  const wide = renderComparedCurve(runs, 920, 420);
  const narrow = renderComparedCurve(runs, 380, 340);
  const words = comparable(runs)
    ? 'Lower is better; further to the right means a smaller model.'
    : 'Each run is drawn over its own dense model: 1 is no loss. Lower is better; further to the right means a smaller model.';
  return section(
    'curve',
    'Perplexity as parameters go',
    wide === null || narrow === null
      ? element('p', {}, 'There is no curve to draw: fewer than two finite perplexities.')
      : [
          element('p', {}, words),
          element(
            'figure',
            {},
            element('div', { class: 'for-wide' }, wide),
            element('div', { class: 'for-narrow' }, narrow),
            saves(['save-curves', 'This drawing as SVG']),
          ),
        ],
  );
}

/** Where each run stood when it had removed so much. */
function sharesSection(runs: readonly NamedRun[]): Markup {
  const most = Math.max(...runs.map(({ result }) => lastStep(result)?.ratios.total ?? 0));
  const shares = most <= 0 ? [] : linearTicks(0, most, 9).filter((share) => share > 0 && share <= most);
  const rows = shares.map((share) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row', class: 'number' }, `≥ ${formatPercent(share)}`),
      runs.map(({ result }) =>
        cell(
          standing(
            pointsOf(result).find(({ ratio }) => ratio >= share),
            result.dense.ppl,
          ),
          true,
        ),
      ),
    ),
  );
  const heads = ['Removed', ...runs.map(({ letter }) => letter)];
  return section(
    'shares',
    'At equal shares of parameters',
    element(
      'p',
      {},
      'Each run at the first step that has removed at least so much: its perplexity, the change against its dense model, and the step.',
    ),
    rows.length === 0
      ? element('p', {}, 'No run removed anything.')
      : scrollable('Runs at equal shares', tableOf(heads, rows, 0)),
  );
}

/** `24.10, +5.8 %, step 4`; a dash where the run did not get there. */
function standing(point: RunPoint | undefined, dense: number | null): Child {
  if (point === undefined) return '–';
  const { ppl, step } = point;
  const change = ppl === null || dense === null ? '' : `, ${formatChange(ppl, dense)}`;
  return [formatPerplexity(ppl), element('span', { class: 'quiet' }, `${change}, step ${step}`)];
}

/** How many blocks two runs agree on, and which blocks each removed. */
function masksSection(runs: readonly NamedRun[]): Markup {
  const blocks = runs.map(({ result }) => blocksOf(result));
  const rows = runs.map(({ letter }, row) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, letter),
      runs.map((_, column) => cell(row === column ? '–' : common(blocks[row], blocks[column]), true)),
    ),
  );
  const shared = new Set(blocks[0].filter((name) => blocks.every((own) => own.includes(name))));
  const everywhere =
    shared.size === 0 ? 'No block was removed by all of them.' : `All of them removed ${[...shared].join(', ')}.`;
  return section(
    'masks',
    'Which blocks went',
    element(
      'p',
      {},
      'How many blocks two runs have in common, when both have removed as many as the shorter one did. ',
      everywhere,
      shared.size === 0 ? null : ' These are outlined below.',
    ),
    scrollable('Blocks in common', tableOf(['', ...runs.map(({ letter }) => letter)], rows, 0)),
    runs.map(({ letter, name, result }) =>
      element(
        'figure',
        {},
        element('h3', {}, `${letter} · `, element('bdi', {}, name)),
        element('p', { class: 'quiet' }, headline(result)),
        element(
          'div',
          { class: 'for-wide' },
          scrollable(`Removed blocks of ${letter}`, renderLayerPicture(result, 32, shared)),
        ),
        element('div', { class: 'for-narrow' }, renderLayerPicture(result, 12, shared)),
      ),
    ),
  );
}

/** `9 of 12` */
export function common(a: readonly string[], b: readonly string[]): string {
  const many = Math.min(a.length, b.length);
  const first = new Set(a.slice(0, many));
  return `${formatCount(b.slice(0, many).filter((name) => first.has(name)).length)} of ${formatCount(many)}`;
}

function settingsSection(runs: readonly NamedRun[]): Markup {
  const rows = differences(runs).map(({ name, values }) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, name),
      values.map((value) => cell(element('bdi', {}, value))),
    ),
  );
  return section(
    'settings',
    'What differs',
    rows.length === 0
      ? element('p', {}, 'Nothing that the documents tell of.')
      : [
          element(
            'p',
            {},
            `${plural(rows.length, 'setting')} of those that the documents tell of; all others are the same.`,
          ),
          scrollable('Settings that differ', tableOf(['', ...runs.map(({ letter }) => letter)], rows, Infinity)),
        ],
  );
}

/** @param numeric the column from which on heads stand over numbers. */
function tableOf(heads: readonly string[], rows: readonly Markup[], numeric: number): Markup {
  return element(
    'table',
    { class: 'compared' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        heads.map((head, index) =>
          head === ''
            ? element('td', {})
            : element('th', { scope: 'col', class: index >= numeric ? 'number' : undefined }, head),
        ),
      ),
    ),
    element('tbody', {}, rows),
  );
}

function cell(words: Child, number: boolean = false): Markup {
  return element('td', { class: number ? 'number' : undefined }, words);
}
