/**
 * The repair of a pruned model, told once. The kept blocks are walked in order, on two streams:
 *
 *   dense     d: the stream of the whole model
 *   repaired  x: that of the pruned model, with the output matrices refitted so far
 *
 * After a kept block, d goes through it and through the removed blocks that follow it; x goes
 * through the block alone. What x then misses, R = d − x, is regressed on the inputs A of the
 * block's output matrix W, by least squares with a ridge towards W as it is:
 *
 *   W ← W + (AᵀA + λI)⁻¹ AᵀR
 *
 * AᵀA and AᵀR are sums over tokens, so they are taken unit by unit of the text. Then x goes through
 * the block with its new weights, and the next block sees a stream that is mended already.
 *
 * Nothing is trained, no tensor changes its shape, and the result is a list of edits of the model.
 */
import { NotFoundError, UsageError } from '../errors.ts';
import type { Chunks } from '../eval/chunks.ts';
import { requireFiniteLoss } from '../eval/nonFinite.ts';
import type { ChunkScore } from '../eval/perplexity.ts';
import { formatBlock, walkIndex } from '../model/blockId.ts';
import { edited, type RewriteEdit } from '../model/edit.ts';
import { Mask } from '../model/mask.ts';
import { consume } from '../model/ownership.ts';
import { Transformer } from '../model/transformer.ts';
import { largestPiece } from '../model/weightPieces.ts';
import { outputTensorNames } from '../model/tensorNames.ts';
import { observe } from './branchSums.ts';
import { cutsOf, type Cuts, type KeptBlock, type RepairScope } from './cuts.ts';
import { defaultFactors, type FitFigures, type FitSettings } from './fit.ts';
import { matrixFitter, scaleFitter } from './fitters.ts';
import { scaleEdits, times } from './scaleWalk.ts';
import type { Stream } from './stream.ts';
import { hostStream, openStream, scoresOf, through, walkedScores } from './streams.ts';
import { countedRows, heldOutChunks, unitsOf, type Unit } from './units.ts';

export interface RepairSettings extends FitSettings {
  readonly scope: RepairScope;
}

/** Every kept block, refitted by least squares. */
export const defaultRepair: RepairSettings = { form: 'refit', scope: 'all', factors: defaultFactors };

export interface BlockFit extends FitFigures {
  /** `L5.mlp` */
  readonly block: string;
  /** Of form `scale`: what the stream after the block is multiplied by. */
  readonly scale?: number;
}

/** A fit with the tensors it changed, by canonical name; none where the block keeps its weights. */
export interface FittedBlock {
  readonly fit: BlockFit;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/**
 * Where finished fits are kept, so that a run that was stopped goes on, and so that two masks that
 * begin alike share fits. A key names the removed blocks up to the next kept block, and the block.
 * Data, model and settings are not in it: a memory belongs to one combination of them.
 */
export interface FitMemory {
  recall(key: string): Promise<FittedBlock | null>;
  keep(key: string, fitted: FittedBlock): Promise<void>;
}

export type RepairEvent =
  /** Work on a block goes on; `fraction` of the whole repair is done, 0 … 1. */
  | { readonly type: 'repairing'; readonly block: string; readonly fraction: number }
  /** A fit is done, or was found in memory. */
  | { readonly type: 'repaired'; readonly fit: BlockFit };

export interface Repaired {
  /** Of the tensors that changed, in walk order; values are read from memory when asked for. */
  readonly edits: readonly RewriteEdit[];
  /** In walk order. */
  readonly fits: readonly BlockFit[];
  /** The whole model's score of each chunk of the calibration text. */
  readonly dense: readonly ChunkScore[];
  /** The pruned and repaired model's. */
  readonly repaired: readonly ChunkScore[];
  /** Which chunks were held out from the fits, by index. */
  readonly heldOut: readonly number[];
  /** Removed blocks before every kept one, which scope `cuts` cannot make up for. */
  readonly notRepaired: readonly string[];
}

export interface RepairInput {
  /** The whole model. */
  readonly model: Transformer;
  /** The calibration text. */
  readonly chunks: Chunks;
  /** The removed blocks. */
  readonly mask: Mask;
  readonly settings: RepairSettings;
  readonly memory: FitMemory;
  /** Bytes of host memory for streams. What has no room is computed anew, to the same bits. */
  readonly bytes: number;
}

/**
 * Repairs a pruned model.
 * @returns the edits that do so, and how both models fare on the text.
 * @throws UsageError for a mask that removes nothing or everything, or a scale for other blocks
 * than those before cuts; DataError for chunks that overlap; NonFiniteError where the whole model's
 * loss is not finite.
 */
export async function* repair(input: RepairInput): AsyncGenerator<RepairEvent, Repaired> {
  const { model, chunks, mask, settings } = input;
  const scaling = settings.form === 'scale';
  if (scaling && settings.scope === 'all') {
    throw new UsageError('a stream is scaled at cuts, not at every kept block.', { remedy: "Use the scope 'cuts'." });
  }
  const cuts = cutsOf(model.config, mask, settings.scope);
  const units = unitsOf(chunks);
  const { edits, fits, dense, repaired } = yield* walkBoth(input, cuts, units);
  return {
    edits,
    fits,
    dense,
    // Folding rounds the weights anew, so that a scaled model is walked once more.
    repaired: scaling ? await editedScores(input, units, edits) : repaired,
    heldOut: heldOutChunks(chunks.ids.length),
    notRepaired: settings.scope === 'cuts' ? cuts.leading.map(formatBlock) : [],
  };
}

/** Both streams through the model, with a fit at each block that has one. */
async function* walkBoth(
  input: RepairInput,
  { leading, kept }: Cuts,
  units: readonly Unit[],
): AsyncGenerator<RepairEvent, Pick<Repaired, 'edits' | 'fits' | 'dense' | 'repaired'>> {
  const { model, chunks, mask, settings, memory, bytes } = input;
  const scaling = settings.form === 'scale';
  // A rewrite looks its values up when they are asked for, so those of all blocks to be fitted can
  // stand here already.
  const steps = kept.map((step) => ({ ...step, rewrites: step.fitted && !scaling ? rewritesOf(input, step) : [] }));
  const rewrites = steps.flatMap((step) => step.rewrites);
  const mended = await editedModel(model, rewrites);
  try {
    const dense = await openStream(model, units, bytes / 2);
    // Up to the first removed block both streams are one.
    let repaired = dense;
    const fits: BlockFit[] = [];
    const changed = new Set<string>();
    if (leading.length > 0) repaired = dense.fork();
    for (const block of leading) await dense.move(through(model, block));
    for (const [at, step] of steps.entries()) {
      if (repaired === dense && step.missing) repaired = dense.fork();
      for (const block of [step.block, ...step.run]) await dense.move(through(model, block));
      if (!step.fitted) {
        if (repaired !== dense) await repaired.move(through(model, step.block));
        continue;
      }
      const key = fitKey(mask, step);
      let found = await memory.recall(key);
      if (found === null) {
        found = yield* fitBlock(input, step, units, { dense, repaired }, (part) => (at + part) / steps.length);
        await memory.keep(key, found);
      }
      const { fit, tensors } = found;
      fits.push(fit);
      for (const tensor of tensors.keys()) changed.add(tensor);
      yield { type: 'repaired', fit };
      await repaired.move(through(mended, step.block));
      if (fit.scale !== undefined && fit.scale !== 1) await repaired.move(times(model, fit.scale));
    }
    const scores = await scoresOf(model, chunks, units, dense);
    await requireFiniteLoss(model, chunks, Mask.empty, scores);
    return {
      edits: scaling ? scaleEdits(model.config, mask, fits) : rewrites.filter(({ tensor }) => changed.has(tensor)),
      fits,
      dense: scores,
      repaired: scaling ? [] : await scoresOf(model, chunks, units, repaired),
    };
  } finally {
    mended.free();
  }
}

/** One fit: sums over all units, those of the held-out ones apart, and what they give. */
async function* fitBlock(
  { model, chunks, settings }: RepairInput,
  { block }: KeptBlock,
  units: readonly Unit[],
  { dense, repaired }: { readonly dense: Stream; readonly repaired: Stream },
  fractionOf: (part: number) => number,
): AsyncGenerator<RepairEvent, FittedBlock> {
  const fitter = settings.form === 'scale' ? scaleFitter() : matrixFitter(model, block, settings);
  for (const unit of units) {
    yield { type: 'repairing', block: formatBlock(block), fraction: fractionOf(unit.index / units.length) };
    const target = await hostStream(model, dense, unit);
    const seen = await consume(model.backend, await repaired.at(unit), (x) => observe(model, block, x, unit));
    await fitter.add({ ...seen, target }, countedRows(unit, chunks.ignoredId), unit.heldOut);
  }
  const { figures, scale, tensors } = await fitter.fit();
  return { fit: { block: formatBlock(block), ...(scale === undefined ? {} : { scale }), ...figures }, tensors };
}

/** What a fit depends on beside model, text and settings. */
function fitKey(mask: Mask, { block, run }: KeptBlock): string {
  const last = run.at(-1) ?? block;
  const removed = mask.blocks.toSorted((a, b) => walkIndex(a) - walkIndex(b));
  const before = removed.filter((one) => walkIndex(one) <= walkIndex(last));
  return `${before.map(formatBlock).join(',')}:${formatBlock(block)}`;
}

/** A block's output matrix and bias with the values that its fit has, or will have, in memory. */
function rewritesOf({ model, mask, memory }: RepairInput, step: KeptBlock): RewriteEdit[] {
  const { weight, bias } = outputTensorNames(model.config, step.block);
  const key = fitKey(mask, step);
  return (bias === null ? [weight] : [weight, bias]).map((tensor) => ({
    type: 'rewrite',
    tensor,
    async values(old) {
      const found = await memory.recall(key);
      if (found === null)
        throw new NotFoundError(`the fit of ${formatBlock(step.block)} is no longer kept.`, { where: 'repair' });
      return found.tensors.get(tensor) ?? old.tensor(tensor);
    },
  }));
}

/** The model after edits. It is asked for one block after another, each for all units. */
function editedModel({ source, backend, nllSum }: Transformer, edits: readonly RewriteEdit[]): Promise<Transformer> {
  return Transformer.load(edited(source, edits), backend, largestPiece(source).bytes, nllSum);
}

async function editedScores(
  { model, mask, chunks, bytes }: RepairInput,
  units: readonly Unit[],
  edits: readonly RewriteEdit[],
): Promise<ChunkScore[]> {
  const after = await editedModel(model, edits);
  try {
    return await walkedScores(after, mask, chunks, units, bytes);
  } finally {
    after.free();
  }
}
