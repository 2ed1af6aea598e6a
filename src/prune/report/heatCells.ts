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
  /** The dense model's; null where it is not finite. */
  readonly dense: number | null;
  /** 1 for the best of its step; equals share a rank. Null without a finite perplexity. */
  readonly rank: number | null;
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
  const dense = result.dense.ppl;
  const cells = result.steps.flatMap((step, column) => {
    const finite = finiteOf(step);
    const best = finite.at(0) ?? null;
    return step.candidates.map((candidate) => {
      const { kind, layer } = parseUnit(candidate.block, result.model.numHiddenLayers);
      const { block, ppl } = candidate;
      const rank = ppl === null || ppl <= 0 ? null : finite.indexOf(ppl) + 1;
      return { kind, column, layer, candidate, step, best, dense, rank, removed: block === step.removed };
    });
  });
  return KINDS.map((kind) => ({ kind, cells: cells.filter((cell) => cell.kind === kind) })).filter(
    (panel) => panel.cells.length > 0,
  );
}

/** The step's finite perplexities, lowest first. */
function finiteOf(step: StepResult): number[] {
  return step.candidates.flatMap(({ ppl }) => (ppl === null || ppl <= 0 ? [] : [ppl])).toSorted((a, b) => a - b);
}
