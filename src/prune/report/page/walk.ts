/** From cell to cell of a grid in which cells are missing. */

export interface Place {
  readonly row: number;
  /** Greater to the right; not necessarily in steps of one. */
  readonly column: number;
}

/**
 * The cell that a key leads to: the nearest one in that direction within the row or column, or the
 * first or last of the row (Home, End), of all with Ctrl. Null where there is none, or the key
 * means nothing.
 */
export function nextCell<C extends Place>(cells: readonly C[], from: C, key: string, ctrl: boolean): C | null {
  const before = (a: C, b: C): number => a.row - b.row || a.column - b.column;
  const sorted = cells.toSorted(before);
  const inRow = sorted.filter(({ row }) => row === from.row);
  const inColumn = sorted.filter(({ column }) => column === from.column);
  const [first, last] = ctrl ? [sorted.at(0), sorted.at(-1)] : [inRow.at(0), inRow.at(-1)];
  const found: Readonly<Record<string, C | undefined>> = {
    ArrowLeft: inRow.findLast(({ column }) => column < from.column),
    ArrowRight: inRow.find(({ column }) => column > from.column),
    ArrowUp: inColumn.findLast(({ row }) => row < from.row),
    ArrowDown: inColumn.find(({ row }) => row > from.row),
    Home: first,
    End: last,
  };
  return found[key] ?? null;
}
