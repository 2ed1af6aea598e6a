import type { CandidateScore, PruneResult, StepResult } from '../result.ts';
import { parseUnit, type UnitKind } from './removals.ts';

/** One candidate of one step, ready to be drawn. */
export interface HeatCell {
  /** Column: index of the step. */
  readonly column: number;
  /** Row. */
  readonly layer: number;
  readonly candidate: CandidateScore;
  readonly step: StepResult;
  /** Lowest finite perplexity of the step; null when it has none. */
  readonly best: number | null;
  readonly removed: boolean;
}

/** Candidates of one kind: rows are layers, columns steps. */
export interface HeatPanel {
  readonly kind: UnitKind;
  readonly cells: readonly HeatCell[];
}

const KINDS: readonly UnitKind[] = ['mha', 'mlp', 'layer'];

/**
 * All candidates of all steps, sorted into one panel a kind, since a block is best compared with
 * its like: interleaved rows would only show stripes. Panels without candidates are left out.
 * @throws MaskError for a name that is not a block of the model.
 */
export function heatPanels(result: PruneResult): HeatPanel[] {
  const cells = result.steps.flatMap((step, column) => {
    const best = bestOf(step);
    return step.candidates.map((candidate) => {
      const { kind, layer } = parseUnit(candidate.block, result.model.numHiddenLayers);
      return { kind, column, layer, candidate, step, best, removed: candidate.block === step.removed };
    });
  });
  return KINDS.map((kind) => ({ kind, cells: cells.filter((cell) => cell.kind === kind) })).filter(
    (panel) => panel.cells.length > 0,
  );
}

function bestOf(step: StepResult): number | null {
  const finite = step.candidates.flatMap(({ ppl }) => (ppl === null || ppl <= 0 ? [] : [ppl]));
  return finite.length === 0 ? null : finite.reduce((a, b) => Math.min(a, b));
}
