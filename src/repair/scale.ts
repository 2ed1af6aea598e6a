/**
 * Scalar compensation: one number a by which the whole residual stream before a cut is multiplied,
 * because removal shrinks (or swells) it.
 *
 * Reference: Prune&Comp (AAAI 2026); that the number folds exactly into the weights before the cut
 * follows from the scale equivariance of pre-norm models.
 */
import { ShapeError } from '../errors.ts';
import type { ErrorPair, FitFigures } from './fit.ts';

/** Sums over all elements of rows of the dense stream H* and the pruned one H, in f64. */
export interface StreamSums {
  readonly rows: number;
  /** ⟨H*, H*⟩ */
  readonly dense: number;
  /** ⟨H*, H⟩ */
  readonly product: number;
  /** ⟨H, H⟩ */
  readonly pruned: number;
}

export interface FittedScale {
  readonly figures: FitFigures;
  /** The number; 1 where the stream stays as it is. */
  readonly scale: number;
}

/**
 * a = ⟨H*, H⟩ / ⟨H, H⟩, which makes ‖H* − a H‖² smallest. It is 1, and `kept` says why, where that
 * is not a positive number (a stream may shrink, but must not turn round), or where the error on
 * the held-out rows does not get smaller. There is no ridge: the factor of a scale that is taken is
 * 0, and the condition of one equation is 1.
 * @throws {ShapeError} if sums hold no rows
 */
export function fitScale(sums: StreamSums, heldOut: StreamSums | null): FittedScale {
  if (sums.rows < 1 || heldOut?.rows === 0) throw new ShapeError('the sums hold no rows.');
  const scale = sums.product / sums.pruned;
  const reason = whyKept(sums, heldOut, scale);
  const taken = reason === null ? scale : 1;
  return {
    scale: taken,
    figures: {
      rows: sums.rows,
      heldOutRows: heldOut?.rows ?? 0,
      factor: reason === null ? 0 : null,
      kept: reason,
      condition: reason === null ? 1 : null,
      error: errorPair(sums, taken),
      heldOut: heldOut && errorPair(heldOut, taken),
    },
  };
}

function whyKept(sums: StreamSums, heldOut: StreamSums | null, scale: number): string | null {
  const all = [sums, ...(heldOut === null ? [] : [heldOut])];
  if (!all.every((part) => [part.dense, part.product, part.pruned].every(Number.isFinite))) {
    return 'its activations are not finite';
  }
  if (sums.pruned === 0) return 'its stream is all 0';
  if (scale <= 0) return 'the best scale is not positive';
  const judges = heldOut ?? sums;
  if (squaredError(judges, scale) < squaredError(judges, 1)) return null;
  return `its error on the ${heldOut === null ? 'rows of the fit' : 'held-out rows'} does not shrink`;
}

/** ‖H* − a H‖², no less than 0. */
function squaredError({ dense, product, pruned }: StreamSums, scale: number): number {
  return Math.max(0, dense - 2 * scale * product + scale * scale * pruned);
}

function errorPair(sums: StreamSums, scale: number): ErrorPair | null {
  const [before, after] = [squaredError(sums, 1) / sums.rows, squaredError(sums, scale) / sums.rows];
  return Number.isFinite(before) && Number.isFinite(after) ? { before, after } : null;
}
