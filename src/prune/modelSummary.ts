import { fileName } from '../eval/dataForm.ts';
import { formatBlock, hasBlock } from '../model/blockId.ts';
import type { ModelConfig } from '../model/config.ts';
import { countParameters } from '../model/parameters.ts';
import { walkOf } from '../model/walk.ts';
import type { WeightSource } from '../model/weights.ts';
import type { PruneResult } from './result.ts';

/** A model as documents describe it. @param contentHash of its weights. */
export function modelSummary(source: WeightSource, contentHash: string): PruneResult['model'] {
  const { config } = source;
  const counts = countParameters(source);
  return {
    name: documentName(source.name),
    family: config.family,
    numHiddenLayers: config.layers.length,
    blocks: walkOf(config).length,
    ...absentOf(config),
    parameters: counts.total,
    blockParameters: counts.blocks,
    contentHash,
  };
}

/**
 * A model's name without the folders it lies in; one of the hub, `owner/name@commit`, is what it
 * is.
 */
export function documentName(name: string): string {
  return HUB_NAME.test(name) ? name : fileName(name.replace(/(?<=.)[/\\]+$/, ''));
}

const HUB_NAME = /^[\w-][\w.-]*\/[\w./-]+@[0-9a-f]{7}$/;

/** Blocks that were not in the model. */
function absentOf(config: ModelConfig): Pick<PruneResult['model'], 'absent'> {
  const blocks = config.layers.flatMap((_, layer) => [
    { layer, kind: 'mha' } as const,
    { layer, kind: 'mlp' } as const,
  ]);
  const absent = blocks.filter((block) => !hasBlock(config, block)).map(formatBlock);
  return absent.length === 0 ? {} : { absent };
}
