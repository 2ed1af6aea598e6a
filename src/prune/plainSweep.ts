/**
 * One walk of the model that measures every single removal. The base model is the one without the
 * mask's blocks. Up to the block that it removes, a candidate's model is the same. So one base
 * stream of activations runs through all blocks, and at each of them the candidate without that
 * block forks off: its fork leaves the block out and runs through all later ones by itself.
 * (sweep.ts has a drawing.)
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
 * Measures `candidates` on top of `mask` for chunks [B][T].
 * @param candidates no block belongs to two of them.
 * @returns negative log-likelihoods as in `Transformer.nll`: of the base model, [B][T − 1], and
 * without each candidate, [candidate][B][T − 1]. Their mean decides what goes (plainSearch.ts).
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
  const run = async (block: BlockId, x: DeviceTensor): Promise<DeviceTensor> => {
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
      // All other forks run through the block, and so does the base stream.
      for (const [candidate, x] of forks) {
        if (candidate !== skipping) forks.set(candidate, await run(block, x));
      }
      stream = await run(block, stream);
    }
    // No fork: all of the candidate's blocks were masked already, so it equals the base.
    const ends = candidates.map((candidate) => forks.get(candidate) ?? stream);
    // `headNll` would free them; `finally` frees all, each once.
    const keepStreams = (): void => {};
    const [base, ...rest] = await model.headNll([stream, ...ends], nextTokens(ids), keepStreams);
    return { base: bySequence(base, ids), candidates: rest.map((rows) => bySequence(rows, ids)) };
  } finally {
    for (const x of made) model.backend.free(x);
  }
}
