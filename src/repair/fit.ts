/** What a fit is asked for, and what it says of itself. */

export const repairForms = ['refit', 'replaceme', 'scale'] as const;
export type RepairForm = (typeof repairForms)[number];

export interface FitSettings {
  readonly form: RepairForm;
  /** Ridge factors to choose from: λ = factor · mean diagonal of AᵀA. */
  readonly factors: readonly number[];
}

/** The grid that is searched unless another is given. */
export const defaultFactors: readonly number[] = [0.03, 0.1, 0.3, 1, 3];

/** A fit's figures, as JSON. */
export interface FitFigures {
  readonly rows: number;
  readonly heldOutRows: number;
  /** The factor chosen; null where the block keeps its weights. */
  readonly factor: number | null;
  /** Why the block keeps its weights; null where it does not. */
  readonly kept: string | null;
  /** Estimated condition number of AᵀA + λI. */
  readonly condition: number;
  /** Sum of squares of what is missing / rows, on the rows that were fitted. */
  readonly error: { readonly before: number; readonly after: number };
  /** The same on the held-out rows. */
  readonly heldOut: { readonly before: number; readonly after: number } | null;
}
