/** Streams of a model: opened, moved through blocks, scored. */
import type { Chunks } from '../eval/chunks.ts';
import { scoreChunk, type ChunkScore } from '../eval/perplexity.ts';
import type { BlockId } from '../model/blockId.ts';
import type { Mask } from '../model/mask.ts';
import { consume } from '../model/ownership.ts';
import { bySequence, nextTokens, type Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import { Stream, type Move } from './stream.ts';
import { rowsOf, type Unit } from './units.ts';

/**
 * The stream of all units at the embedding.
 * @param bytes of the host that it may take. Units beyond that are computed anew.
 */
export function openStream(model: Transformer, units: readonly Unit[], bytes: number): Promise<Stream> {
  const ends = units.map(
    (unit, at) => 4 * model.config.hiddenSize * units.slice(0, at + 1).reduce((rows, one) => rows + rowsOf(one), 0),
  );
  const room = ends.filter((end) => end <= bytes).length;
  return Stream.open(model.backend, ({ ids }) => model.embed(ids), units, room);
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

/** The scores of a model without some blocks, walked block by block for all units. */
export async function walkedScores(
  model: Transformer,
  mask: Mask,
  chunks: Chunks,
  units: readonly Unit[],
  bytes: number,
): Promise<ChunkScore[]> {
  const stream = await openStream(model, units, bytes);
  for (const block of walkOf(model.config, mask)) await stream.move(through(model, block));
  return scoresOf(model, chunks, units, stream);
}

/** A unit's stream [R, C] on the host. */
export async function hostStream(model: Transformer, stream: Stream, unit: Unit): Promise<Float32Array> {
  return consume(model.backend, await stream.at(unit), (x) => model.backend.download(x));
}
