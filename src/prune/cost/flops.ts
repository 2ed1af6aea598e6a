/**
 * Floating-point operations of a block and of the LM head: two for each multiplication and addition
 * of a projection, and of attention's scores and mixing over the keys that a query may see. Norms,
 * activations and sums are left out: they are under a hundredth of the whole.
 */
import type { AttentionSpec, DeviceTensor, LinearWeight } from '../../backends/backend.ts';
import type { BlockId } from '../../model/blockId.ts';
import type { ModelConfig } from '../../model/config.ts';
import { CountingOps } from '../../model/countingOps.ts';
import { applyOnShapes } from '../../model/footprint.ts';

/** A block on one sequence of `seqLen` tokens, found by a dry run of the block itself. */
export function blockFlops(config: ModelConfig, id: BlockId, seqLen: number): number {
  const ops = new FlopCounter();
  applyOnShapes(ops, config, id, { rows: seqLen, seqLen });
  return ops.flops;
}

/** The LM head over the whole vocabulary, on so many rows. */
export function headFlops({ hiddenSize, vocabSize }: ModelConfig, rows: number): number {
  return 2 * rows * hiddenSize * vocabSize;
}

class FlopCounter extends CountingOps {
  flops = 0;

  override linear(x: DeviceTensor, weight: LinearWeight): DeviceTensor {
    this.flops += 2 * x.rows * weight.outFeatures * weight.inFeatures;
    return super.linear(x, weight);
  }

  override attention(q: DeviceTensor, k: DeviceTensor, v: DeviceTensor, spec: AttentionSpec): DeviceTensor {
    const { numHeads, headDim, seqLen, keyLen, window } = spec;
    let keys = 0;
    for (let query = keyLen - seqLen; query < keyLen; query++) keys += Math.min(query + 1, window ?? keyLen);
    this.flops += 4 * (q.rows / seqLen) * keys * numHeads * headDim;
    return super.attention(q, k, v, spec);
  }
}
