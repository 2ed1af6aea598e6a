import type { PruneResult } from '../result.ts';
import { cellWords } from './cellWords.ts';
import type { HeatCell, HeatPanel } from './heatCells.ts';
import { DENSE_RAMP, heatLevel, STEP_RAMP, type Ramp } from './heatRamp.ts';
import { coordinate, element, type Markup } from '../../drawing/html.ts';
import type { UnitKind } from './removals.ts';
import { drawing, line, text, tooltip } from '../../drawing/svg.ts';

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

interface Grid {
  readonly columnWidth: number;
  readonly rowHeight: number;
}

/**
 * One panel: rows are layers from the input down, columns are steps. A cell has two colours as
 * classes, `d0` … `d9` against the dense model and `s0` … `s9` within its step; the style sheet
 * shows one of them.
 */
export function renderHeatPanel(result: PruneResult, panel: HeatPanel): Markup {
  const layers = result.model.numHiddenLayers;
  const steps = result.steps.length;
  const grid = gridOf(result);
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
    Array.from({ length: layers }, (_, layer) => heatRow(panel, layer, grid)),
    panel.cells.filter((cell) => cell.removed).map((cell) => outline(cell, grid)),
  );
}

/**
 * Few steps get wide cells; many get narrow ones down to what can still be pointed at, and the
 * figure scrolls.
 */
function gridOf({ model, steps }: PruneResult): Grid {
  const columnWidth = Math.min(33, Math.max(10, Math.floor(400 / steps.length)));
  return { columnWidth, rowHeight: model.numHiddenLayers > 40 ? 13 : 16 };
}

/** The size of all cells, as a rule of the style sheet: hundreds of attributes less. */
export function cellRule(result: PruneResult): string {
  const { columnWidth, rowHeight } = gridOf(result);
  return `.row rect { width: ${columnWidth - 1}px; height: ${rowHeight - 1}px; }`;
}

/** The cells of a layer, from the first step on. */
function heatRow({ cells }: HeatPanel, layer: number, grid: Grid): Markup | null {
  const own = cells.filter((cell) => cell.layer === layer);
  if (own.length === 0) return null;
  const transform = `translate(0 ${coordinate(TOP + layer * grid.rowHeight)})`;
  return element(
    'g',
    { class: 'row', transform },
    own.map((cell) => heatCell(cell, grid)),
  );
}

/** A scale of colours with a label at the lower end of each. */
export function renderHeatLegend(ramp: Ramp, letter: 'd' | 's'): Markup {
  const { labels } = ramp;
  const width = 50;
  const swatches = labels.map((label, level) => [
    element('rect', { class: `${letter}${level}`, x: level * width, y: 0, width: width - 1, height: 14 }),
    text(level * width, 29, label, { class: 'tick' }),
  ]);
  return drawing(
    { width: labels.length * width, height: 34, class: `legend by-${letter}` },
    {
      title: 'Colour scale',
      description: `Perplexity against ${letter === 'd' ? 'the dense model' : 'the best of the step'}, from: ${labels.join(', ')}.`,
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

/** Upper left. */
function corner(cell: HeatCell, grid: Grid): { x: number; y: number } {
  return { x: LEFT + cell.column * grid.columnWidth, y: TOP + cell.layer * grid.rowHeight };
}

function heatCell(cell: HeatCell, grid: Grid): Markup {
  const { x } = corner(cell, grid);
  const { ppl, status, seen } = cell.candidate;
  const words = tooltip(cellWords(cell));
  if (status === 'dropped' && seen !== undefined) {
    const notch = element('path', { d: 'M0 0h5l-5 5Z', transform: `translate(${coordinate(x)} 0)` });
    const against = seen.againstPick === null || seen.againstPick <= 0 ? null : Math.max(1, seen.againstPick);
    const colour = against === null ? undefined : colours(cell, against);
    return element('g', { class: 'cell dropped' }, words, element('rect', { class: colour, x }), notch);
  }
  if (ppl === null || cell.best === null || ppl <= 0) {
    const transform = `translate(${coordinate(x + (grid.columnWidth - 1) / 2)} ${coordinate((grid.rowHeight - 1) / 2)})`;
    const cross = element('path', { d: 'M-3-3L3 3M-3 3L3-3', transform });
    return element('g', { class: 'cell not-finite' }, words, element('rect', { x }), cross);
  }
  return element('rect', { class: `cell ${colours(cell, ppl / cell.best)}`, x }, words);
}

/**
 * Both colours of a candidate. That of one which a race dropped is an estimate from part of the
 * data: what it was against the pick there, times what the pick is on all of it.
 */
function colours({ dense, best }: HeatCell, factor: number): string {
  const within = `s${heatLevel(factor, 1, STEP_RAMP)}`;
  if (dense === null || dense <= 0 || best === null) return within;
  // Logarithms add where a product might overflow.
  const nats = Math.log(factor) + Math.log(best) - Math.log(dense);
  return `d${heatLevel(Math.exp(Math.min(nats, 700)), 1, DENSE_RAMP)} ${within}`;
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
