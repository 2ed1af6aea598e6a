import type { PerplexityFigures } from '../../eval/figures.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import { formatChange, formatCount, formatShare, formatSignificant, plural } from '../../drawing/numbers.ts';
import type { PruneRepair, PruneResult } from '../result.ts';
import { formatPerplexity } from './perplexityWords.ts';
import { scrollable, section } from './section.ts';

type Fit = PruneRepair['blocks'][number];

/** What was done to the blocks that `where` names. */
const FORMS: Readonly<Record<PruneRepair['settings']['form'], (where: string) => string>> = {
  refit: (where) => `The output matrix of ${where} was refitted by least squares`,
  replaceme: (where) =>
    `The output of ${where} was put through a linear map, fitted by least squares and folded into its matrix`,
  scale: (where) => `The stream after ${where} was rescaled by one number, folded into the weights`,
};

/** What the repair brought back, text by text, block by block; null where nothing was repaired. */
export function repairSection({ repair }: PruneResult): Markup | null {
  if (repair === undefined) return null;
  const { settings, blocks, notRepaired } = repair;
  const where = settings.scope === 'cuts' ? 'the last kept block before each gap' : 'every kept block';
  const when = repair.when === 'each' ? ' Every step chose by perplexities after such a repair.' : '';
  return section(
    'repair',
    'Repair',
    element(
      'p',
      {},
      `${FORMS[settings.form](where)}, so that the stream after it comes close to the dense model’s.${when} `,
      'Nothing was trained, and the model keeps its shape. Perplexity on the fitted chunks flatters the repair; judge it by the others.',
    ),
    scrollable('Perplexities before and after repair', textsTable(repair)),
    notRepaired.length === 0
      ? null
      : element('p', {}, `No kept block stands before ${notRepaired.join(', ')}: what these added is not made up for.`),
    blocks.length === 0 ? null : fitsTable(blocks),
  );
}

/** The three models on each text. */
function textsTable({ fitted, heldOut, evaluation }: PruneRepair): Markup {
  const rows = [
    { name: 'Calibration chunks that were fitted', of: fitted },
    ...(heldOut === null ? [] : [{ name: 'Calibration chunks held out', of: heldOut }]),
    ...(evaluation === null ? [] : [{ name: element('bdi', {}, evaluation.data.name), of: evaluation }]),
  ];
  const cell = ({ ppl, status }: PerplexityFigures): Child => formatPerplexity(ppl, status);
  return tableOf(
    'Perplexity. Back: how much of what pruning lost, in nats per token, the repair brought back; ± is the standard error of that share, paired over chunks.',
    ['Text', 'Dense', 'Pruned', 'Repaired', 'Back'],
    rows.map(({ name, of: { dense, pruned, repaired, back } }) => [
      name,
      cell(dense),
      cell(pruned),
      cell(repaired),
      back ? formatShare(back.share, back.standardError) : backWords(dense.nll, pruned.nll, repaired.nll),
    ]),
  );
}

/** `74 %` of the loss; a dash where there was none, or it is not a number. */
function backWords(dense: number | null, pruned: number | null, repaired: number | null): string {
  if (dense === null || pruned === null || repaired === null || pruned - dense < 1e-3) return '–';
  const percent = Math.round((100 * (pruned - repaired)) / (pruned - dense));
  return `${percent < 0 ? '\u2212' : ''}${formatCount(Math.abs(percent))}\u00A0%`;
}

/** Each block's fit, and which blocks keep their weights. */
function fitsTable(blocks: readonly Fit[]): Markup {
  const kept = blocks.filter((block) => block.kept !== null).length;
  const words =
    kept === 0
      ? `${plural(blocks.length, 'block')} fitted.`
      : `${plural(blocks.length, 'block')} fitted, of which ${kept} ${kept === 1 ? 'keeps its' : 'keep their'} weights.`;
  return element(
    'details',
    {},
    element('summary', {}, `Block by block: ${words}`),
    scrollable(
      'Fits, block by block',
      tableOf(
        'Error: mean over tokens of the squared distance to the dense model’s stream, before and after the fit. Ridge: what holds the matrix to its old values, over the mean diagonal of the inputs’ Gram matrix.',
        ['Block', 'Ridge', 'Fitted error', 'Held-out error', 'Change', 'Condition', 'Weights'],
        blocks.map((fit) => [
          element('code', {}, fit.block),
          fit.factor === null ? '–' : formatSignificant(fit.factor, 2),
          pairWords(fit.error),
          pairWords(fit.heldOut),
          changeWords(fit.heldOut ?? fit.error),
          fit.condition === null ? '–' : formatSignificant(fit.condition, 2),
          fit.kept === null ? 'refitted' : `kept: ${fit.kept}`,
        ]),
      ),
    ),
  );
}

type Pair = Fit['error'];

function pairWords(pair: Pair): string {
  return pair === null ? '–' : `${formatSignificant(pair.before, 3)} → ${formatSignificant(pair.after, 3)}`;
}

function changeWords(pair: Pair): string {
  return pair === null || pair.before <= 0 ? '–' : formatChange(pair.after, pair.before);
}

function tableOf(caption: string, heads: readonly string[], rows: readonly (readonly Child[])[]): Markup {
  const head = heads.map((name, index) => element('th', { scope: 'col', class: numeric(index, heads) }, name));
  return element(
    'table',
    { class: 'steps' },
    element('caption', {}, caption),
    element('thead', {}, element('tr', {}, head)),
    element(
      'tbody',
      {},
      rows.map(([first, ...rest]) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, first),
          rest.map((value, index) => element('td', { class: numeric(index + 1, heads) }, value)),
        ),
      ),
    ),
  );
}

/** The first column names, the column of weights says; all between are numbers. */
function numeric(index: number, heads: readonly string[]): string | undefined {
  return index === 0 || heads[index] === 'Weights' ? undefined : 'number';
}
