/**
 * One walk of the model that prices every single removal. Up to the block that it removes, a
 * candidate's model is the base model, the one under the mask alone. So one base stream walks all
 * blocks, and at each of them the candidate without that block forks off: its fork skips the block
 * and passes all later ones by itself. (sweep.ts has a drawing.)
 *
 * `sweep` gives the same numbers to the last bit. It frees streams as soon as it can, passes
 * several forks through a block at once, and reports progress.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import { formatBlock, type BlockId } from '../model/blockId.ts';
import type { Mask } from '../model/mask.ts';
import { bySequence, nextTokens, type Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import type { Candidate } from './candidates.ts';

/**
 * Prices `candidates` on top of `mask` for chunks [B][T].
 * @param candidates no block belongs to two of them.
 * @returns negative log-likelihoods as of `Transformer.nll`, [B][T − 1]: of the base model, and
 * without each candidate. Their mean over the chunks decides what goes (plainSearch.ts).
 */
export async function plainSweep(
  model: Transformer,
  ids: readonly Int32Array[],
  mask: Mask,
  candidates: readonly Candidate[],
): Promise<{ base: Float32Array[]; candidates: Float32Array[][] }> {
  const seqLen = ids[0].length;
  const removedBy = new Map<string, Candidate>(); // by the block's name, such as L5.mlp
  for (const candidate of candidates) {
    for (const block of candidate.blocks) removedBy.set(formatBlock(block), candidate);
  }
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
      // Here the candidate forks off. Nothing is copied: no op changes the array behind a stream.
      if (skipping !== undefined && !forks.has(skipping)) forks.set(skipping, stream);
      // The other forks pass through the block, and so does the base stream.
      for (const [candidate, x] of forks) {
        if (candidate !== skipping) forks.set(candidate, await pass(block, x));
      }
      stream = await pass(block, stream);
    }
    // A candidate without a fork removes only what the mask has removed already.
    const ends = candidates.map((candidate) => forks.get(candidate) ?? stream);
    const keepStreams = (): void => {}; // Several ends may be one stream: all are freed below, once.
    const [base, ...rest] = await model.headNll([stream, ...ends], nextTokens(ids), keepStreams);
    return { base: bySequence(base, ids), candidates: rest.map((rows) => bySequence(rows, ids)) };
  } finally {
    for (const x of made) model.backend.free(x);
  }
}
