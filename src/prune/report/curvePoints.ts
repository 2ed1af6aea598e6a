import type { NonFinite } from '../../eval/figures.ts';
import type { PruneResult } from '../result.ts';
import { effectiveSteps, parseUnit, type UnitKind } from './removals.ts';

/** One point of the perplexity curve. */
export interface CurvePoint {
  /** Blocks removed so far; two a step in layer mode. */
  readonly removed: number;
  /** Share of all parameters removed so far. */
  readonly ratio: number;
  readonly ppl: number | null;
  readonly status?: NonFinite;
  /** The block that went, short (`L5.mlp`, or `L5` for a whole layer); `dense` at the beginning. */
  readonly label: string;
  readonly kind: UnitKind | 'dense';
  readonly nearTie: boolean;
  /** After repair; null where this model was not repaired. */
  readonly repaired: { readonly ppl: number | null; readonly status?: NonFinite } | null;
  /** On the text of `--eval`; null where the run has none. */
  readonly heldOut: { readonly ppl: number | null; readonly status?: NonFinite } | null;
}

/**
 * The dense model, then one point a step that removed something. A repair at the end gives the last
 * one a second perplexity, repair in the loop each.
 * @throws MaskError for a name that is not a block.
 */
export function curvePoints(result: PruneResult): CurvePoint[] {
  const { ppl, status } = result.dense;
  const heldOut = result.evaluation?.dense ?? null;
  const points: CurvePoint[] = [
    { removed: 0, ratio: 0, ppl, status, label: 'dense', kind: 'dense', nearTie: false, repaired: null, heldOut },
  ];
  let removed = 0;
  const steps = effectiveSteps(result);
  for (const step of steps) {
    const end = step === steps.at(-1) ? result.repair?.whole.repaired : undefined;
    const { kind, layer, blocks } = parseUnit(step.removed, result.model.numHiddenLayers);
    removed += blocks.length;
    points.push({
      removed,
      ratio: step.ratios.total,
      ppl: step.ppl,
      status: step.status,
      label: kind === 'layer' ? `L${layer}` : step.removed,
      kind,
      nearTie: step.nearTie !== null,
      repaired: step.repair ?? end ?? null,
      heldOut: step.evaluation ?? null,
    });
  }
  return points;
}
