import type { RepairFigures } from '../../repair/document.ts';
import { repairWords, writtenRepair } from '../../repair/readDocument.ts';
import type { PruneRepair, PruneResult, StepResult } from '../result.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import {
  formatCount,
  formatParameters,
  formatPercent,
  formatSeconds,
  formatSignificant,
  plural,
} from '../../drawing/numbers.ts';
import { changeWords } from './changeWords.ts';
import { finalFigures, lastStep, removalsOf } from './removals.ts';
import { formatPerplexity } from './perplexityWords.ts';

/**
 * The run in one sentence:
 * `Removed 12 of 60 blocks (14.2 % of parameters): perplexity 19.2 → 23.9`; of a repaired one
 * `… (14.2 % of parameters) and repaired: perplexity 19.2 → 23.9 → 20.4 on held-out chunks`.
 */
export function headline(result: PruneResult): string {
  const last = lastStep(result);
  const dense = shortPerplexity(result.dense);
  if (last === null) return `Removed none of ${plural(result.model.blocks, 'block')}: perplexity stays ${dense}`;
  const share = `${formatPercent(last.ratios.total)} of parameters`;
  const count = `${formatCount(removalsOf(result).length)} of ${plural(result.model.blocks, 'block')}`;
  if (result.repair !== undefined) {
    const { of, where } = judged(result.repair);
    const figures = [of.dense, of.pruned, of.repaired].map(shortPerplexity).join(' → ');
    return `Removed ${count} (${share}) and repaired: perplexity ${figures} ${where}`;
  }
  return `Removed ${count} (${share}): perplexity ${dense} → ${shortPerplexity(last)}`;
}

/** The figures a repair is judged by: those on the text that it has seen least of. */
function judged({ evaluation, heldOut, fitted }: PruneRepair): { of: RepairFigures; where: string } {
  if (evaluation !== null) return { of: evaluation, where: 'on another text' };
  return heldOut === null
    ? { of: fitted, where: 'on the fitted chunks' }
    : { of: heldOut, where: 'on held-out chunks' };
}

/** Why the search ended, as the end of a sentence. */
export function stopReason({ stop, stoppedBy }: PruneResult): string {
  switch (stoppedBy) {
    case 'blocks':
      return stop.blocks === undefined
        ? 'the blocks asked for were removed'
        : `the ${plural(stop.blocks, 'block')} asked for ${stop.blocks === 1 ? 'was' : 'were'} removed`;
    case 'ratio':
      return `the ratio asked for${stop.ratio === undefined ? '' : `, ${formatPercent(stop.ratio)},`} was reached`;
    case 'max-ppl':
      return `perplexity met its limit${stop.maxPpl === undefined ? '' : ` of ${formatSignificant(stop.maxPpl, 4)}`}`;
    case 'max-increase':
      return `perplexity met its limit${stop.maxIncrease === undefined ? '' : ` of ${formatPercent(stop.maxIncrease / 100)} above dense`}`;
    case 'no candidate left':
      return 'no candidate was left';
    case 'no finite candidate':
      return 'no candidate had a finite perplexity';
  }
}

/** Four figures to take away, then the particulars behind them. */
export function renderKeyFigures(result: PruneResult): Markup {
  const { model, dense, repair } = result;
  // With repair in the loop the last step's own price is that of a model repaired before it.
  const final = repair?.whole.pruned ?? finalFigures(result);
  const last = lastStep(result);
  const ratios = last?.ratios ?? { total: 0, blocks: 0, depth: 0 };
  // Then the last step's change is that of the repaired model.
  const compared: Pick<StepResult, 'ppl' | 'change'> | null =
    last === null || repair?.when !== 'each' ? last : { ppl: final.ppl };
  const change = compared === null ? null : changeWords(compared, dense.ppl);
  return element(
    'section',
    { class: 'key', 'aria-label': 'Key figures' },
    element(
      'dl',
      { class: repair === undefined ? 'figures' : 'figures five' },
      figure('Dense perplexity', formatPerplexity(dense.ppl, dense.status), standardErrorWords(dense)),
      figure(
        'Pruned perplexity',
        formatPerplexity(final.ppl, final.status),
        last === null ? 'nothing was removed' : change === null ? 'no comparison' : `${change} against dense`,
      ),
      repair === undefined ? null : repairedFigure(repair),
      figure('Parameters removed', formatPercent(ratios.total), remainingWords(model.parameters, ratios.total)),
      figure(
        'Blocks removed',
        formatCount(removalsOf(result).length),
        `of ${formatCount(model.blocks)}, in ${plural(result.steps.length, 'step')}`,
      ),
    ),
    element(
      'dl',
      { class: 'facts' },
      fact('Model', element('bdi', {}, model.name)),
      fact('Family', `${model.family}, ${plural(model.numHiddenLayers, 'layer')}`),
      fact('Parameters', `${formatCount(model.parameters)}, of which ${formatCount(model.blockParameters)} in blocks`),
      fact('Removed', [
        `${formatPercent(ratios.total)} of all parameters · ${formatPercent(ratios.blocks)} of block parameters · `,
        `${formatPercent(ratios.depth)} of blocks`,
      ]),
      fact('Method', methodWords(result)),
      result.protect === undefined ? null : fact('Never removed', result.protect.join(', ')),
      repair === undefined
        ? null
        : fact('Repair', `${repair.when === 'each' ? 'in every step' : 'at the end'}: ${repairLabel(repair)}`),
      errorFact(dense, final, compared),
      heldOutFact(result),
      bitsFact(dense.bitsPerByte, final.bitsPerByte),
      fact('Backend', result.backend),
      fact('Computing time', formatSeconds(result.seconds)),
      fact('Ended because', stopReason(result)),
    ),
  );
}

/** On all chunks, as the others; beside it the one that it is to be judged by. */
function repairedFigure(repair: PruneRepair): Markup {
  const { ppl, status } = repair.whole.repaired;
  const { of, where } = judged(repair);
  return figure('Repaired perplexity', formatPerplexity(ppl, status), `${shortPerplexity(of.repaired)} ${where}`);
}

/** `refit of every kept block, 46 tensors changed` */
function repairLabel(repair: PruneRepair): string {
  return repairWords(writtenRepair(repair));
}

/** `random (seed 1, plus false)` */
export function methodWords({ method }: PruneResult): string {
  const settings = Object.entries(method?.settings ?? {}).map(([name, value]) => {
    if (name === 'repair' && isLoop(value)) return `repairs ${plural(value.leaders, 'leader')} a step`;
    return `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
  });
  return `${method?.name ?? 'blockpruner'}${settings.length === 0 ? '' : ` (${settings.join(', ')})`}`;
}

/** BlockPruner's setting of that name; what else it holds stands with the repair. */
function isLoop(value: unknown): value is { leaders: number } {
  return typeof (value as { leaders?: unknown } | null)?.leaders === 'number';
}

/** What a perplexity's own error is told by. */
interface Errors {
  readonly ppl: number | null;
  readonly standardError: number | null;
}

/**
 * ± one standard error of the perplexity: exp is nearly linear over so short a way, so it is ppl ×
 * the error in nats.
 */
export function perplexityError(figures: Errors): string | null {
  if (figures.ppl === null || figures.standardError === null) return null;
  const error = figures.ppl * figures.standardError;
  return Number.isFinite(error) ? formatSignificant(error, 2) : null;
}

function standardErrorWords(figures: Errors): string {
  const error = perplexityError(figures);
  return error === null ? 'no standard error' : `±\u00A0${error} standard error`;
}

/** The errors of both levels, apart from that of the change: they go up and down together. */
function errorFact(dense: Errors, final: Errors, compared: Pick<StepResult, 'change'> | null): Markup | null {
  const levels = [perplexityError(dense), perplexityError(final)];
  if (compared === null || levels.includes(null)) return null;
  const { change } = compared;
  const paired =
    change === undefined || change === null
      ? ''
      : change.natsError === null
        ? ' The change has none: it takes three chunks or more.'
        : ' The change has its own, paired over chunks.';
  return fact(
    'Standard errors',
    `dense ±\u00A0${levels[0]}, pruned ±\u00A0${levels[1]}: of each level, mostly the same for both.${paired}`,
  );
}

function shortPerplexity({ ppl, status }: Pick<PruneResult['dense'], 'ppl' | 'status'>): string {
  return ppl === null ? formatPerplexity(ppl, status) : formatSignificant(ppl, 3);
}

function remainingWords(parameters: number, ratio: number): string {
  return `${formatParameters(parameters)} → ${formatParameters(Math.round(parameters * (1 - ratio)))}`;
}

/** On the text by which nothing was chosen: `30.74 → 43.21 (+40.6 ± 1.2 %) on valid.txt`. */
function heldOutFact(result: PruneResult): Markup | null {
  const { evaluation } = result;
  const last = lastStep(result)?.evaluation;
  if (evaluation === undefined || last === undefined) return null;
  const { dense, data } = evaluation;
  const change = changeWords(last, dense.ppl);
  const figures = [dense, last].map(({ ppl, status }) => formatPerplexity(ppl, status)).join(' → ');
  const of = evaluation.of === 'repaired' ? ', repaired,' : '';
  return fact('Held out', [
    `${figures}${change === null ? '' : ` (${change})`}${of} on `,
    element('bdi', {}, data.name),
  ]);
}

function bitsFact(before: number | null, after: number | null): Markup | null {
  if (before === null) return null;
  return fact(
    'Bits per byte',
    `${formatSignificant(before, 4)} → ${after === null ? 'unknown' : formatSignificant(after, 4)}`,
  );
}

function figure(name: string, value: string, note: string): Markup {
  return element(
    'div',
    {},
    element('dt', {}, name),
    element('dd', { class: 'value' }, value),
    element('dd', { class: 'note' }, note),
  );
}

function fact(name: string, value: Child): Markup {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}
