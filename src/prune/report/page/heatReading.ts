/**
 * Reads a cell of the heat map to whoever points at it, taps it or walks to it by keys. Each panel
 * is one stop of the Tab key; the arrow keys go from cell to cell.
 */
import { all, shape } from './elements.ts';
import { nextCell, type Place } from './walk.ts';

interface Cell extends Place {
  readonly element: SVGElement;
  readonly words: string;
}

/** Makes every panel readable; nothing happens where the report has none. */
export function readCells(): void {
  const output = document.querySelector<HTMLOutputElement>('.reading');
  if (output === null) return;
  output.hidden = false;
  const hint = 'Point at a cell, tap it, or walk with the arrow keys to read it.';
  const show = (words: string | null): void => {
    output.classList.toggle('idle', words === null);
    if (output.textContent !== (words ?? hint)) output.textContent = words ?? hint;
  };
  show(null);
  for (const panel of all<SVGSVGElement>('svg.heat')) readPanel(panel, show);
}

function readPanel(panel: SVGSVGElement, show: (words: string | null) => void): void {
  const cells = cellsOf(panel);
  if (cells.length === 0) return;
  describe(panel, cells);
  const ring = shape('rect', { class: 'ring', rx: '2', visibility: 'hidden' });
  panel.append(ring);
  const byElement = new Map<Element, Cell>(cells.map((cell) => [cell.element, cell]));
  const cellAt = ({ target }: Event): Cell | undefined => {
    const hit = target instanceof Element ? target.closest('.cell') : null;
    return hit === null ? undefined : byElement.get(hit);
  };
  /** What stays when the pointer leaves. */
  let kept: Cell | null = null;
  const point = (cell: Cell | null): void => {
    show(cell?.words ?? null);
    ring.setAttribute('visibility', cell === null ? 'hidden' : 'visible');
    if (cell !== null) surround(ring, cell.element);
  };
  const stop = (cell: Cell): void => {
    for (const other of cells) other.element.setAttribute('tabindex', other === cell ? '0' : '-1');
  };
  panel.addEventListener('pointerover', (event) => {
    const cell = cellAt(event);
    if (cell !== undefined && event.pointerType === 'mouse') point(cell);
  });
  panel.addEventListener('pointerleave', () => point(kept));
  panel.addEventListener('click', (event) => {
    const cell = cellAt(event);
    if (cell === undefined) return;
    stop(cell);
    cell.element.focus({ preventScroll: true });
  });
  // A drawing that listens for focus is a stop of the Tab key itself, in some browsers.
  const frame = panel.parentElement ?? panel;
  frame.addEventListener('focusin', (event) => {
    kept = cellAt(event) ?? null;
    point(kept);
  });
  frame.addEventListener('focusout', () => {
    kept = null;
    point(null);
  });
  panel.addEventListener('keydown', (event) => {
    const cell = cellAt(event);
    if (cell === undefined || event.altKey || event.metaKey) return;
    if (event.key === 'Escape') {
      kept = null;
      point(null);
      return;
    }
    const next = nextCell(cells, cell, event.key, event.ctrlKey);
    if (next === null) return;
    event.preventDefault();
    stop(next);
    next.element.focus();
  });
}

/** The cells with their places; their tooltips are taken away, since the page shows them. */
function cellsOf(panel: SVGSVGElement): Cell[] {
  return all<SVGGElement>('.row', panel).flatMap((row, index) =>
    all<SVGElement>('.cell', row).map((element) => {
      const title = element.querySelector('title');
      const words = title?.textContent ?? '';
      title?.remove();
      return { element, words, row: index, column: element.getBoundingClientRect().left };
    }),
  );
}

/** The roles of a grid: rows of cells, one of which the Tab key comes to. */
function describe(panel: SVGSVGElement, cells: readonly Cell[]): void {
  panel.setAttribute('role', 'grid');
  panel.setAttribute('aria-readonly', 'true');
  panel.setAttribute('aria-label', panel.querySelector('title')?.textContent ?? '');
  panel.querySelector('title')?.remove();
  for (const other of all<SVGElement>(':scope > :not(.row):not(desc)', panel))
    other.setAttribute('aria-hidden', 'true');
  for (const row of all('.row', panel)) row.setAttribute('role', 'row');
  for (const [index, { element, words }] of cells.entries()) {
    element.setAttribute('role', 'gridcell');
    element.setAttribute('tabindex', index === 0 ? '0' : '-1');
    // Where it is; what it holds is read from the output beside it.
    element.setAttribute('aria-label', words.split(' · ').slice(0, 2).join(', '));
  }
  // The scrolling frame is no stop of its own beside that.
  panel.closest('.scroll')?.removeAttribute('tabindex');
}

function surround(ring: SVGElement, cell: SVGElement): void {
  const { x, y, width, height } = (cell as SVGGraphicsElement).getBBox();
  const row = (cell.parentElement as unknown as SVGGElement).transform.baseVal.consolidate()?.matrix;
  const box = { x: x - 1, y: y + (row?.f ?? 0) - 1, width: width + 2, height: height + 2 };
  for (const [key, value] of Object.entries(box)) ring.setAttribute(key, String(value));
}
