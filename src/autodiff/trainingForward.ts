/**
 * The forward pass on a tape: ids → embedding → x ← x + branch(norm(x)) for each block the mask
 * leaves → final norm → logits → loss. The blocks are model's own (`applyBlock`); around them
 * stands what `Transformer` does row by row and tile by tile for want of memory, here with whole
 * arrays, because backward needs them.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import { DataError } from '../errors.ts';
import { runThrough } from '../model/eventLoop.ts';
import { applyBlock, applyNorm } from '../model/residualBlock.ts';
import { modelTensorNames } from '../model/tensorNames.ts';
import { walkOf } from '../model/walk.ts';
import type { Batch } from './batch.ts';
import type { Tape } from './tape.ts';
import { TapeWeights, type Trainee } from './trainee.ts';
import { uploadRope } from './uploadRope.ts';

/**
 * Each row's negative log-likelihood [R, 1] in nats. The loss that `tape.backward` then
 * differentiates is `lossWeight` times their sum; rows with target −1 count nothing.
 * @throws DataError for sequences beyond the model's positions.
 */
export function trainingForward(tape: Tape, trainee: Trainee, batch: Batch, lossWeight: number): DeviceTensor {
  return runThrough(forwardSteps(tape, trainee, batch, lossWeight));
}

/** The same, stopping after every block. */
export function* forwardSteps(
  tape: Tape,
  trainee: Trainee,
  batch: Batch,
  lossWeight: number,
): Generator<void, DeviceTensor> {
  const { config, mask } = trainee;
  const { seqLen } = batch;
  if (seqLen > config.maxPositionEmbeddings) {
    throw new DataError(`sequences of ${seqLen} tokens exceed the model's ${config.maxPositionEmbeddings} positions.`);
  }
  const weights = new TapeWeights(tape, trainee);
  const names = modelTensorNames(config);
  let x = tape.gatherRows(weights.table(names.embedding), batch.inputs);
  if (names.positions !== null) {
    const positions = batch.inputs.map((_, row) => row % seqLen);
    x = tape.add(x, tape.gatherRows(weights.table(names.positions), positions));
  }
  const at = { seqLen, start: 0, rope: uploadRope(tape, config, seqLen), cache: null };
  for (const id of walkOf(config, mask)) {
    x = applyBlock(tape, config, weights.block(id), x, at);
    yield;
  }
  const normed = applyNorm(tape, config, weights.norm(names.finalNorm), x);
  const logits = tape.linear(normed, weights.linear({ weight: names.head, bias: null }));
  return tape.crossEntropy(logits, batch.targets, lossWeight);
}
