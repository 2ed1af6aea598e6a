import { parseBlock, type BlockId, type BlockKind } from '../../model/blockId.ts';
import type { PerplexityFigures } from '../../eval/figures.ts';
import type { PruneResult, StepResult } from '../result.ts';

/**
 * What every part of the report asks of the document: which block went when, and where that ended.
 */

/** One removed block and the step that removed it; a step of layer mode removes two. */
export interface Removal {
  readonly block: BlockId;
  readonly step: StepResult;
}

/** What a candidate or a step takes out: one kind of block, or a layer's two at once. */
export type UnitKind = BlockKind | 'layer';

export interface Unit {
  readonly kind: UnitKind;
  readonly layer: number;
  readonly blocks: readonly BlockId[];
}

/**
 * Reads `L5.mlp`, or `L5.mha,L5.mlp` as a whole layer.
 * @throws MaskError when a name is not a block of the model.
 */
export function parseUnit(text: string, numHiddenLayers: number): Unit {
  const blocks = text.split(',').map((name) => parseBlock(name, numHiddenLayers));
  const [first] = blocks;
  return { kind: blocks.length === 1 ? first.kind : 'layer', layer: first.layer, blocks };
}

/** Steps that took something out, in order. */
export function effectiveSteps(result: PruneResult): (StepResult & { removed: string })[] {
  return result.steps.filter((step): step is StepResult & { removed: string } => step.removed !== null);
}

/**
 * All removed blocks in the order of removal.
 * @throws MaskError when a name is not a block of the model.
 */
export function removalsOf(result: PruneResult): Removal[] {
  return effectiveSteps(result).flatMap((step) => {
    return parseUnit(step.removed, result.model.numHiddenLayers).blocks.map((block) => ({ block, step }));
  });
}

/** The last step that took something out, or null when none did. */
export function lastStep(result: PruneResult): StepResult | null {
  return effectiveSteps(result).at(-1) ?? null;
}

/** The figures of the pruned model; those of the dense one when nothing was removed. */
export function finalFigures(result: PruneResult): Omit<PerplexityFigures, 'nll' | 'natsPerToken'> {
  return lastStep(result) ?? result.dense;
}
