import { formatBlock, hasBlock } from '../model/blockId.ts';
import type { ModelConfig } from '../model/config.ts';
import { countParameters } from '../model/parameters.ts';
import { walkOf } from '../model/walk.ts';
import type { WeightSource } from '../model/weights.ts';
import { documentName } from './documentName.ts';
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

/** Blocks that were not in the model. */
function absentOf(config: ModelConfig): Pick<PruneResult['model'], 'absent'> {
  const blocks = config.layers.flatMap((_, layer) => [
    { layer, kind: 'mha' } as const,
    { layer, kind: 'mlp' } as const,
  ]);
  const absent = blocks.filter((block) => !hasBlock(config, block)).map(formatBlock);
  return absent.length === 0 ? {} : { absent };
}
