/** What a repair tells on its way, and gives. */
import type { MethodEvent } from '../prune/method.ts';
import type { RepairRunResult } from '../prune/repair/repairRun.ts';

export type RepairEvent =
  /** A block is in hand (`L5.mlp`); `fraction` of the fits is done, 0 … 1. */
  | { readonly type: 'repairing'; readonly block: string; readonly fraction: number }
  /**
   * A block was fitted, or keeps its weights (`repaired`); what the user should know (`warning`);
   * how far a text is measured (`evaluating`).
   */
  | Extract<MethodEvent, { type: 'repaired' | 'warning' | 'evaluating' }>;

/** A repair: the model's weights with other values in some tensors. */
export interface RepairResult {
  /** The document of `blockpruner repair --json`: figures, settings, and hashes of the tensors. */
  readonly document: RepairRunResult;
  /**
   * The fitted values, row-major, by canonical name: of each tensor that changed. Form `scale` fits
   * no tensor, only the numbers in the document.
   */
  readonly tensors: ReadonlyMap<string, Float32Array>;
}
