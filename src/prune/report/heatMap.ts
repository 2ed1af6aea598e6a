import type { CandidateScore, PruneResult } from '../result.ts';
import type { HeatCell, HeatPanel } from './heatCells.ts';
import { LEVEL_LABELS, heatLevel } from './heatRamp.ts';
import { coordinate, element, type Markup } from '../../drawing/html.ts';
import { formatChange, plural } from '../../drawing/numbers.ts';
import type { UnitKind } from './removals.ts';
import { drawing, line, text, tooltip } from '../../drawing/svg.ts';
import { formatPerplexity } from './perplexityWords.ts';

const NAMES: Readonly<Record<UnitKind, string>> = { mha: 'Attention (MHA)', mlp: 'MLP', layer: 'Whole layers' };
const LEFT = 34;
const TOP = 42;

/** Room for a panel's name where there are few steps. */
const LEAST_WIDTH = 124;

/**
 * Up to so many steps a panel may shrink to a phone's width and stay legible; beyond that it
 * scrolls.
 */
const MOST_STEPS_SHRUNK = 14;

type Box = Readonly<Record<'x' | 'y' | 'width' | 'height', number>>;

interface Grid {
  readonly columnWidth: number;
  readonly rowHeight: number;
}

/**
 * One panel: rows are layers from the input down, columns are steps, colour is the distance from
 * the step's best.
 */
export function renderHeatPanel(result: PruneResult, panel: HeatPanel): Markup {
  const layers = result.model.numHiddenLayers;
  const steps = result.steps.length;
  // Few steps get wide cells; many get narrow ones down to what can still be pointed at, and the
  // figure scrolls.
  const grid = { columnWidth: Math.min(33, Math.max(10, Math.floor(400 / steps))), rowHeight: layers > 40 ? 13 : 16 };
  const name = NAMES[panel.kind];
  return drawing(
    {
      width: LEFT + Math.max(LEAST_WIDTH, steps * grid.columnWidth + 2),
      height: TOP + layers * grid.rowHeight + 2,
      class: steps > MOST_STEPS_SHRUNK ? 'heat' : 'heat fits',
    },
    {
      title: `Candidates: ${name}`,
      description: `${layers} layers by ${steps} steps; darker or brighter away from the page colour means costlier to remove. Removed candidates are outlined.`,
    },
    text(LEFT, 12, name, { class: 'panel-name' }),
    columnLabels(result, grid),
    Array.from({ length: layers }, (_, layer) => {
      const y = TOP + (layer + 0.5) * grid.rowHeight + 3.5;
      return text(LEFT - 7, y, `L${layer}`, { class: 'tick', 'text-anchor': 'end' });
    }),
    panel.cells.filter((cell) => cell.removed).map((cell) => goneLine(cell, steps, grid)),
    panel.cells.map((cell) => heatCell(cell, grid)),
    panel.cells.filter((cell) => cell.removed).map((cell) => outline(cell, grid)),
  );
}

/** The scale of colours, and what outline, cross and thin line mean. */
export function renderHeatLegend(): Markup {
  const width = 46;
  const swatches = LEVEL_LABELS.map((label, level) => [
    element('rect', { class: `heat-${level}`, x: level * width, y: 0, width: width - 1, height: 14 }),
    text(level * width, 29, label, { class: 'tick' }),
  ]);
  return drawing(
    { width: LEVEL_LABELS.length * width, height: 34, class: 'legend' },
    {
      title: 'Colour scale',
      description: `Perplexity against the best of the step, from: ${LEVEL_LABELS.join(', ')}.`,
    },
    swatches,
  );
}

function columnLabels(result: PruneResult, grid: Grid): Markup[] {
  const every = grid.columnWidth < 18 ? 5 : 1;
  return result.steps.flatMap((step, column) => {
    if (column > 0 && step.step % every !== 0) return [];
    const x = LEFT + (column + 0.5) * grid.columnWidth;
    return [text(x, TOP - 6, String(step.step), { class: 'tick', 'text-anchor': 'middle' })];
  });
}

function corner(cell: HeatCell, grid: Grid): { x: number; y: number } {
  return { x: LEFT + cell.column * grid.columnWidth, y: TOP + cell.layer * grid.rowHeight };
}

function heatCell(cell: HeatCell, grid: Grid): Markup {
  const { x, y } = corner(cell, grid);
  const box: Box = { x, y, width: grid.columnWidth - 1, height: grid.rowHeight - 1 };
  const { block, ppl, status, seen } = cell.candidate;
  const where = `Step ${cell.step.step} · ${block}`;
  if (status === 'dropped' && seen !== undefined) {
    return droppedCell(seen, box, `${where} · dropped after ${plural(seen.chunks, 'chunk')}`);
  }
  const words = `${where} · perplexity ${formatPerplexity(ppl, status)}`;
  if (ppl === null || cell.best === null || ppl <= 0) {
    const transform = `translate(${coordinate(x + box.width / 2)} ${coordinate(y + box.height / 2)})`;
    const cross = element('path', { d: 'M-3-3L3 3M-3 3L3-3', transform });
    return element('g', { class: 'not-finite' }, tooltip(words), element('rect', box), cross);
  }
  const distance = ppl === cell.best ? ', the best' : `, ${formatChange(ppl, cell.best)} from the best`;
  const fate = cell.removed ? ', removed' : '';
  return element('rect', { class: `heat-${heatLevel(ppl, cell.best)}`, ...box }, tooltip(words + distance + fate));
}

/**
 * A candidate that a race dropped: the colour is an estimate from part of the data, and a notch
 * says so.
 */
function droppedCell(seen: NonNullable<CandidateScore['seen']>, box: Box, where: string): Markup {
  const { againstPick } = seen;
  const known = againstPick !== null && againstPick > 0;
  const words = known ? `${where}, ${formatChange(againstPick, 1)} from the pick on the same` : where;
  const notch = { d: 'M0 0h5l-5 5Z', transform: `translate(${coordinate(box.x)} ${coordinate(box.y)})` };
  return element(
    'g',
    { class: 'dropped' },
    tooltip(words),
    element('rect', { class: known ? `heat-${heatLevel(Math.max(1, againstPick), 1)}` : undefined, ...box }),
    element('path', notch),
  );
}

function outline(cell: HeatCell, grid: Grid): Markup {
  const { x, y } = corner(cell, grid);
  return element('rect', {
    class: 'chosen',
    x: x - 0.5,
    y: y - 0.5,
    width: grid.columnWidth,
    height: grid.rowHeight,
    rx: 2,
  });
}

/** After its removal a block is no candidate any more: its row runs on as a thin line. */
function goneLine(cell: HeatCell, steps: number, grid: Grid): Markup | null {
  if (cell.column + 1 >= steps) return null;
  const { x, y } = corner(cell, grid);
  const middle = y + (grid.rowHeight - 1) / 2;
  return line(x + grid.columnWidth, middle, LEFT + steps * grid.columnWidth - 1, middle, 'gone-line');
}
