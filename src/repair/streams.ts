/**
 * The two streams of a repair, side by side: that of the whole model, and that of the pruned one
 * with the output matrices refitted so far.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import type { Chunks } from '../eval/chunks.ts';
import { scoreChunk, type ChunkScore } from '../eval/perplexity.ts';
import type { BlockId } from '../model/blockId.ts';
import { consume } from '../model/ownership.ts';
import { bySequence, nextTokens, type Transformer } from '../model/transformer.ts';
import { Stream, type Move } from './stream.ts';
import { rowsOf, type Unit } from './units.ts';

export interface Streams {
  readonly dense: Stream;
  readonly repaired: Stream;
}

/**
 * Both at the embedding.
 * @param bytes of the host that they may take. Units beyond that are computed anew.
 */
export async function openStreams(model: Transformer, units: readonly Unit[], bytes: number): Promise<Streams> {
  let room = 0;
  let left = bytes;
  for (const unit of units) {
    left -= 2 * 4 * rowsOf(unit) * model.config.hiddenSize;
    if (left < 0) break;
    room++;
  }
  const embed = ({ ids }: Unit): Promise<DeviceTensor> => model.embed(ids);
  const dense = await Stream.open(model.backend, embed, units, room);
  return { dense, repaired: await Stream.open(model.backend, embed, units, room) };
}

/** Through a block of a model, which may be the edited one. */
export function through(model: Transformer, block: BlockId): Move {
  return (x, { ids }) => model.block(block, x, ids[0].length);
}

/** Each chunk's score at the end of the walk, in the text's order. */
export async function scoresOf(
  model: Transformer,
  chunks: Chunks,
  units: readonly Unit[],
  stream: Stream,
): Promise<ChunkScore[]> {
  const scores: ChunkScore[] = [];
  for (const unit of units) {
    const [rows] = await model.headNll([await stream.at(unit)], nextTokens(unit.ids));
    for (const [at, nll] of bySequence(rows, unit.ids).entries()) {
      const chunk = unit.chunks[at];
      scores[chunk] = scoreChunk(chunks, chunk, nll);
    }
  }
  return scores;
}

/** A unit's stream [R, C] on the host. */
export async function hostStream(model: Transformer, stream: Stream, unit: Unit): Promise<Float32Array> {
  return consume(model.backend, await stream.at(unit), (x) => model.backend.download(x));
}
