import { parseBlock } from '../../model/blockId.ts';
import type { CandidateScore, PruneResult } from '../result.ts';
import { renderCurve } from './curve.ts';
import { heatPanels } from './heatCells.ts';
import { renderHeatLegend, renderHeatPanel } from './heatMap.ts';
import { DENSE_RAMP, STEP_RAMP } from './heatRamp.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import { renderLayerPicture } from './layerPicture.ts';
import { plural } from '../../drawing/numbers.ts';
import { effectiveSteps, parseUnit, removalsOf } from './removals.ts';
import { saves } from './saves.ts';
import { stepSlider } from './stepSlider.ts';
import { scrollable, section } from './section.ts';
import { formatPerplexity } from './perplexityWords.ts';

/** The three pictures with the sentences that say what to look for. */

/**
 * How far perplexity rose with each removal. Drawn twice, for a desk and for a phone; the style
 * sheet shows one.
 */
export function curveSection(result: PruneResult): Markup {
  const wide = renderCurve(result, 920, 400);
  const narrow = renderCurve(result, 380, 340);
  if (wide === null || narrow === null) {
    return section(
      'curve',
      'Perplexity',
      element('p', {}, 'There is no curve to draw: fewer than two finite perplexities.'),
    );
  }
  return section(
    'curve',
    'Perplexity as blocks go',
    element(
      'p',
      {},
      'Each point is one removal on top of all those before it; lower is better. ',
      kindKey(result),
      repairKey(result),
      heldOutKey(result),
      nearTieKey(result),
    ),
    element(
      'figure',
      {},
      element('div', { class: 'for-wide' }, wide),
      element('div', { class: 'for-narrow' }, narrow),
      saves(['save-curve', 'This drawing as SVG']),
    ),
  );
}

export function layerSection(result: PruneResult): Markup {
  const removals = removalsOf(result);
  const mha = removals.filter(({ block }) => block.kind === 'mha').length;
  const absent = (result.model.absent ?? []).map((name) => parseBlock(name, result.model.numHiddenLayers).layer);
  const touched = new Set([...removals.map(({ block }) => block.layer), ...absent]);
  const untouched = result.model.numHiddenLayers - touched.size;
  const gone = `${plural(mha, 'attention block')} and ${plural(removals.length - mha, 'MLP')} went; ${plural(untouched, 'layer')} kept both. `;
  const counts = removals.length === 0 ? 'No block was removed. ' : gone;
  const scope =
    result.kind === 'mha' || result.kind === 'mlp' ? `Only ${result.kind.toUpperCase()} blocks were candidates. ` : '';
  const how =
    'The number is the step at which a block was removed; the stronger its colour, the earlier. Layer 0 is next to the input.';
  return section(
    'layers',
    'What went when',
    element('p', {}, counts, scope, how),
    element(
      'figure',
      {},
      removals.length === 0 ? null : stepSlider(result),
      element('div', { class: 'for-wide' }, scrollable('What went when', renderLayerPicture(result, 32))),
      element('div', { class: 'for-narrow' }, renderLayerPicture(result, 12)),
      saves(['save-layers', 'This drawing as SVG']),
    ),
  );
}

/** Null where the method scored once: each step then considered one candidate. */
export function heatSection(result: PruneResult): Markup | null {
  if (result.scores !== undefined) return null;
  const panels = heatPanels(result);
  if (panels.length === 0) {
    return section(
      'candidates',
      'What every removal would have cost',
      element('p', {}, 'No candidates were recorded.'),
    );
  }
  const has = (test: (candidate: CandidateScore) => boolean): boolean =>
    panels.some(({ cells }) => cells.some(({ candidate }) => test(candidate)));
  const missing = has(({ ppl, status }) => ppl === null && status !== 'dropped');
  const dropped = has(({ status }) => status === 'dropped');
  return section(
    'candidates',
    'What every removal would have cost',
    element(
      'p',
      {},
      'A column is a step, a row a layer. Colour is the perplexity without that block, against the dense model or against the best ',
      'candidate of the same step. The removed block is outlined, and its row ends there. ',
      missing ? 'A cross marks a perplexity that is not a finite number. ' : null,
      dropped
        ? 'A notched corner marks a candidate that the race dropped: its colour is from the chunks it saw, against the pick on the same. '
        : null,
      'Rows that stay near the first colour are blocks the model hardly misses; those at the other end are vital.',
    ),
    element(
      'figure',
      {},
      choice(result.dense.ppl !== null),
      renderHeatLegend(DENSE_RAMP, 'd'),
      renderHeatLegend(STEP_RAMP, 's'),
      reading(),
      element(
        'div',
        { class: 'panels' },
        panels.map((panel) => scrollable('Candidates by step and layer', renderHeatPanel(result, panel))),
      ),
      saves(['save-candidate-map', 'This drawing as SVG']),
    ),
  );
}

/**
 * Which of the two colours is shown: radio buttons that the style sheet looks at, so that they work
 * without a script. Without a finite perplexity of the dense model there is one only.
 */
function choice(dense: boolean): Markup {
  const option = (id: string, words: string, checked: boolean): Markup => {
    const input = { type: 'radio', name: 'colour', id, checked: checked ? 'checked' : undefined };
    return element('label', {}, element('input', input), words);
  };
  return element(
    'fieldset',
    { class: 'choice' },
    element('legend', {}, 'Colour by'),
    dense ? option('by-dense', 'cost against dense', true) : null,
    option('by-step', 'distance from the best of the step', !dense),
  );
}

/** Where the page's script shows what a cell holds; a page without it has tooltips. */
function reading(): Markup {
  return element('output', { class: 'reading', hidden: 'hidden', 'aria-live': 'polite' });
}

/** Which marker stands for what, for the kinds that occur. */
function kindKey(result: PruneResult): Child {
  const kinds = new Set(
    effectiveSteps(result).map((step) => parseUnit(step.removed, result.model.numHiddenLayers).kind),
  );
  const words = { mha: 'a disc is an attention block (MHA)', mlp: 'a square an MLP', layer: 'a diamond a whole layer' };
  const list = (['mha', 'mlp', 'layer'] as const).filter((kind) => kinds.has(kind));
  const sentence = list.map((kind) => words[kind]).join(', ');
  return sentence === '' ? null : `${sentence[0].toUpperCase()}${sentence.slice(1)}. `;
}

function repairKey({ repair }: PruneResult): string | null {
  if (repair === undefined) return null;
  return repair.when === 'end'
    ? 'The ring below the last point is after repair. '
    : 'A point is before the repair of its step, a ring on the dashed line after it. ';
}

function heldOutKey({ evaluation }: PruneResult): Child {
  if (evaluation === undefined) return null;
  const name = element('bdi', {}, evaluation.data.name);
  const of = evaluation.of === 'repaired' ? ', after each step’s repair' : '';
  return ['The thin line with triangles is another text, ', name, `, by which nothing was chosen${of}. `];
}

function nearTieKey(result: PruneResult): string | null {
  const ties = effectiveSteps(result).filter((step) => step.nearTie !== null);
  if (ties.length === 0) return null;
  const first = ties[0].nearTie;
  const example =
    first === null ? '' : ` (at step ${ties[0].step}, ${first.block} reached ${formatPerplexity(first.ppl)})`;
  return `A ring and ≈ mark a near-tie, where other hardware might pick the runner-up${example}.`;
}
