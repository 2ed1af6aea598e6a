import type { PruneResult, StepResult } from '../result.ts';
import { element, type Markup } from '../../drawing/html.ts';
import { formatPercent, plural } from '../../drawing/numbers.ts';
import { changeWords, marginWords } from './changeWords.ts';
import { formatPerplexity } from './perplexityWords.ts';
import { effectiveSteps, parseUnit } from './removals.ts';

/**
 * A slider over the steps with a sentence for each, for the page's script: the picture below shows
 * the model after that step. Without a script neither is shown, and the picture is of the end.
 */
export function stepSlider(result: PruneResult): Markup {
  const sentences = [
    `The whole model: perplexity ${formatPerplexity(result.dense.ppl, result.dense.status)}${heldOutWords(result, null)}.`,
    ...effectiveSteps(result).map((step) => stepWords(result, step)),
  ];
  const last = sentences.length - 1;
  return element(
    'div',
    { class: 'slider', hidden: 'hidden' },
    element('label', { for: 'after' }, 'After step'),
    element('input', { type: 'range', id: 'after', min: 0, max: last, value: last, step: 1 }),
    element('output', { id: 'after-words', for: 'after' }),
    element(
      'ol',
      { id: 'after-list', hidden: 'hidden' },
      sentences.map((words) => element('li', {}, words)),
    ),
  );
}

/**
 * `Step 3 removed L5.mlp: 3 blocks gone, 2.17 % of parameters; perplexity 29.00 (−0.02 ± 0.10 %),
 * 31.02 on valid.txt; runner-up L8.mha +0.35 ± 0.11 %.`
 */
function stepWords(result: PruneResult, step: StepResult & { removed: string }): string {
  const before = effectiveSteps(result).filter((other) => other.step <= step.step);
  const gone = before.flatMap(({ removed }) => parseUnit(removed, result.model.numHiddenLayers).blocks).length;
  // With repair in the loop a step's change is that of the repaired model.
  const change = step.repair === undefined ? changeWords(step, result.dense.ppl) : null;
  const margin = marginWords(step);
  return [
    `Step ${step.step} removed ${step.removed.replace(',', ' and ')}: ${plural(gone, 'block')} gone, `,
    `${formatPercent(step.ratios.total)} of parameters; perplexity ${formatPerplexity(step.ppl, step.status)}`,
    change === null ? '' : ` (${change})`,
    heldOutWords(result, step),
    step.repair === undefined ? '' : `, repaired ${formatPerplexity(step.repair.ppl, step.repair.status)}`,
    margin === null ? '' : `; runner-up ${step.runnerUp?.block ?? ''} ${margin}`,
    '.',
  ].join('');
}

/** On the text of --eval, where the run has one. */
function heldOutWords({ evaluation }: PruneResult, step: StepResult | null): string {
  const found = step === null ? evaluation?.dense : step.evaluation;
  return found === undefined || evaluation === undefined
    ? ''
    : `, ${formatPerplexity(found.ppl, found.status)} on ${evaluation.data.name}`;
}
