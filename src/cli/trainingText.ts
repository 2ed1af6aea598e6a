import { UsageError } from '../errors.ts';
import { dataName } from '../eval/dataForm.ts';
import type { OpenedModel } from '../formats/openModel.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { HEAL_SEQUENCE, healText, type HealText } from '../train/healText.ts';
import { readDataFile, type EvalOptions } from './evalOptions.ts';
import type { Terminal } from './terminal.ts';

/**
 * Reads --data for training.
 * @throws UsageError for a --seq-len beyond the context; DataError for a text that is too short, or
 * not readable.
 */
export async function trainingText(
  options: Pick<EvalOptions, 'data' | 'field' | 'join' | 'newlines'> & { seqLen?: number },
  opened: OpenedModel,
  terminal: Terminal,
): Promise<HealText> {
  const { weights } = opened;
  const { maxPositionEmbeddings } = weights.config;
  const seqLen = options.seqLen ?? Math.min(HEAL_SEQUENCE, maxPositionEmbeddings);
  if (seqLen > maxPositionEmbeddings) {
    throw new UsageError(`--seq-len ${seqLen}: the model's context is ${maxPositionEmbeddings} tokens.`, {
      remedy: `Give at most ${maxPositionEmbeddings}.`,
    });
  }
  const { ids } = await readDataFile(options, opened, null, terminal);
  return healText(dataName(options.data), ids, seqLen, weights, nodeHasher);
}
