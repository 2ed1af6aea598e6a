import type { Chunks } from '../eval/chunks.ts';
import type { ChunkScore } from '../eval/perplexity.ts';
import type { RewriteEdit } from '../model/edit.ts';
import type { Mask } from '../model/mask.ts';
import type { Transformer } from '../model/transformer.ts';
import type { RepairScope } from './cuts.ts';
import { defaultFactors, type FitFigures, type FitSettings } from './fit.ts';

export interface RepairSettings extends FitSettings {
  readonly scope: RepairScope;
}

/** Every kept block, refitted by least squares. */
export const defaultRepair: RepairSettings = { form: 'refit', scope: 'all', factors: defaultFactors };

export interface BlockFit extends FitFigures {
  /** `L5.mlp` */
  readonly block: string;
}

/** A fit with the tensors it changed, by canonical name; none where the block keeps its weights. */
export interface FittedBlock {
  readonly fit: BlockFit;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/**
 * Where finished fits are kept, so that a run that was stopped goes on, and so that two masks that
 * begin alike share fits. A key names the removed blocks up to the next kept block, and the block.
 * Data, model and settings are not in it: a memory belongs to one combination of them.
 */
export interface FitMemory {
  recall(key: string): Promise<FittedBlock | null>;
  keep(key: string, fitted: FittedBlock): Promise<void>;
}

export type RepairEvent =
  /** Work on a block goes on; `fraction` of the whole repair is done, 0 … 1. */
  | { readonly type: 'repairing'; readonly block: string; readonly fraction: number }
  /** A fit is done, or was found in memory. */
  | { readonly type: 'repaired'; readonly fit: BlockFit };

export interface Repaired {
  /** Of the tensors that changed, in walk order; values are read from memory when asked for. */
  readonly edits: readonly RewriteEdit[];
  /** In walk order. */
  readonly fits: readonly BlockFit[];
  /** The whole model's score of each chunk of the calibration text. */
  readonly dense: readonly ChunkScore[];
  /** The pruned and repaired model's. */
  readonly repaired: readonly ChunkScore[];
  /** Which chunks were held out from the fits, by index. */
  readonly heldOut: readonly number[];
  /** Removed blocks before every kept one, which scope `cuts` cannot make up for. */
  readonly notRepaired: readonly string[];
}

export interface RepairInput {
  /** The whole model. */
  readonly model: Transformer;
  /** The calibration text. */
  readonly chunks: Chunks;
  /** The removed blocks. */
  readonly mask: Mask;
  readonly settings: RepairSettings;
  readonly memory: FitMemory;
  /** Bytes of host memory for streams. What has no room is computed anew, to the same bits. */
  readonly bytes: number;
}

/** How a repair is run: events while it works, and the edits that repair the model. */
export type Repair = (input: RepairInput) => AsyncGenerator<RepairEvent, Repaired>;
