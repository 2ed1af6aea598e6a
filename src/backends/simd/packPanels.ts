import type { Floats } from '../../ops/floats.ts';

/** Columns a panel holds: the width of the micro-kernel's tile. */
const PANEL = 8;

/** Floats of a packed W [n, k]: whole panels. */
export function panelFloats(n: number, k: number): number {
  return Math.ceil(n / PANEL) * PANEL * k;
}

/**
 * Packs W [n, k] into panels [⌈n/8⌉][k][8]: what the micro-kernel reads as one stream. Columns
 * beyond n are zero.
 */
export function packPanels(panels: Float32Array, weight: Floats, n: number, k: number): void {
  for (let first = 0; first < n; first += PANEL) {
    const base = first * k;
    const width = Math.min(PANEL, n - first);
    if (width < PANEL) panels.fill(0, base, base + PANEL * k);
    for (let column = 0; column < width; column++) {
      const row = (first + column) * k;
      for (let i = 0, at = base + column; i < k; i++, at += PANEL) panels[at] = weight[row + i];
    }
  }
}

/** The same from Wᵀ [k, n]: rows of eight columns as they lie. */
export function packTransposedPanels(panels: Float32Array, transposed: Floats, n: number, k: number): void {
  for (let first = 0; first < n; first += PANEL) {
    const base = first * k;
    const width = Math.min(PANEL, n - first);
    if (width < PANEL) panels.fill(0, base, base + PANEL * k);
    for (let i = 0; i < k; i++) {
      for (let column = 0; column < width; column++) {
        panels[base + i * PANEL + column] = transposed[i * n + first + column];
      }
    }
  }
}
