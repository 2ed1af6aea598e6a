/** The text that healing trains on. */
import { basename } from 'node:path';
import { DataError, UsageError } from '../errors.ts';
import { checkIds } from '../eval/chunks.ts';
import type { OpenedModel } from '../formats/openModel.ts';
import { nodeHasher } from '../platform/nodeHash.ts';
import { readDataFile, type EvalOptions } from './evalOptions.ts';
import type { Terminal } from './terminal.ts';

/** Tokens a training sequence has where neither an option nor the model's context says less. */
const DEFAULT_SEQUENCE = 512;

export interface TrainingText {
  /** Token ids; a training sequence may begin at any of them. */
  stream: Int32Array;
  seqLen: number;
  /** SHA-256 (hex) of the ids and of the model's weights. */
  hash: string;
}

/**
 * Reads --data for training. Sequences begin anywhere, so that chunks, strides and a BOS have no
 * meaning here.
 * @throws UsageError for a --seq-len beyond the context; DataError for a text that is too short, or
 * not readable.
 */
export async function trainingText(
  options: Pick<EvalOptions, 'data' | 'field' | 'join'> & { seqLen?: number },
  opened: OpenedModel,
  terminal: Terminal,
): Promise<TrainingText> {
  const { weights } = opened;
  const { vocabSize, maxPositionEmbeddings } = weights.config;
  const seqLen = options.seqLen ?? Math.min(DEFAULT_SEQUENCE, maxPositionEmbeddings);
  if (seqLen > maxPositionEmbeddings) {
    throw new UsageError(`--seq-len ${seqLen}: the model's context is ${maxPositionEmbeddings} tokens.`, {
      remedy: `Give at most ${maxPositionEmbeddings}.`,
    });
  }
  const name = basename(options.data);
  const { ids: stream } = await readDataFile(options, opened, Infinity, terminal);
  checkIds(name, stream, vocabSize);
  if (stream.length <= seqLen) {
    throw new DataError(
      `${stream.length} tokens are fewer than a training sequence of ${seqLen} and the token after it.`,
      {
        where: name,
        remedy: 'Give more text, or lower --seq-len.',
      },
    );
  }
  const hasher = nodeHasher();
  hasher.update(new Uint8Array(stream.buffer, stream.byteOffset, stream.byteLength));
  hasher.update(new TextEncoder().encode(await weights.contentHash(nodeHasher())));
  return { stream, seqLen, hash: hasher.digest() };
}
