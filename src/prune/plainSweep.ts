/**
 * The sweep as its drawing tells it (sweep.ts): one walk of the model that prices every single
 * removal. `sweep` gives the same numbers to the last bit; it adds progress, lets go of streams
 * early, and stacks and keeps them for speed.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import { formatBlock, type BlockId } from '../model/blockId.ts';
import type { Mask } from '../model/mask.ts';
import { bySequence, nextTokens, type Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import type { Candidate } from './candidates.ts';

/**
 * Prices `candidates` on top of `mask` for chunks [B][T].
 * @returns negative log-likelihoods in nats, [chunk][T − 1]: of the model under the mask, and
 * without each candidate.
 */
export async function plainSweep(
  model: Transformer,
  ids: readonly Int32Array[],
  mask: Mask,
  candidates: readonly Candidate[],
): Promise<{ base: Float32Array[]; candidates: Float32Array[][] }> {
  const seqLen = ids[0].length;
  const removedBy = new Map(candidates.flatMap((c) => c.blocks.map((block) => [formatBlock(block), c] as const)));
  const forks = new Map<Candidate, DeviceTensor>();
  const made: DeviceTensor[] = [];
  const pass = async (block: BlockId, x: DeviceTensor): Promise<DeviceTensor> => {
    const after = await model.block(block, x, seqLen);
    made.push(after);
    return after;
  };
  try {
    let stream = await model.embed(ids);
    made.push(stream);
    for (const block of walkOf(model.config, mask)) {
      const skipping = removedBy.get(formatBlock(block));
      // The fork keeps the stream as it is before the block …
      if (skipping !== undefined && !forks.has(skipping)) forks.set(skipping, stream);
      // … and all others pass through the block.
      for (const [candidate, x] of forks) if (candidate !== skipping) forks.set(candidate, await pass(block, x));
      stream = await pass(block, stream);
    }
    const ends = candidates.map((candidate) => forks.get(candidate) ?? stream);
    const [base, ...rest] = await model.headNll([stream, ...ends], nextTokens(ids), () => {});
    return { base: bySequence(base, ids), candidates: rest.map((rows) => bySequence(rows, ids)) };
  } finally {
    for (const x of made) model.backend.free(x);
  }
}
