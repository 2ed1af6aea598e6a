/**
 * The repair in its plainest form: for each kept block the model is run from the beginning, whole
 * and repaired so far, and a `Tap` notes what the fit needs. `repair` fits the same blocks to the
 * same numbers, up to how sums are grouped; it is faster, since its streams never walk a block
 * twice, and it keeps its fits.
 */
import type { DeviceTensor } from '../backends/backend.ts';
import type { Chunks } from '../eval/chunks.ts';
import { formatBlock, walkIndex, type BlockId } from '../model/blockId.ts';
import { edited, type RewriteEdit } from '../model/edit.ts';
import { Mask } from '../model/mask.ts';
import { Transformer } from '../model/transformer.ts';
import { largestPiece } from '../model/weightPieces.ts';
import { outputTensorNames } from '../model/tensorNames.ts';
import { noSums } from './branchSums.ts';
import { cutsOf } from './cuts.ts';
import { fitOutput } from './fit.ts';
import type { BlockFit, RepairSettings } from './repair.ts';
import { heldOutChunks } from './units.ts';

/**
 * Fits output matrices (forms `refit` and `replaceme`) of a pruned model in walk order.
 * @returns the edits and their figures.
 * @throws UsageError for a mask that removes nothing or everything.
 */
export async function plainRepair(
  model: Transformer,
  chunks: Chunks,
  mask: Mask,
  settings: RepairSettings,
): Promise<{ edits: RewriteEdit[]; fits: BlockFit[] }> {
  const apart = new Set(heldOutChunks(chunks.ids.length));
  const edits: RewriteEdit[] = [];
  const fits: BlockFit[] = [];
  for (const { block, run, fitted } of cutsOf(model.config, mask, settings.scope).kept) {
    if (!fitted) continue;
    const source = edited(model.source, edits);
    const repaired = await Transformer.load(source, model.backend, largestPiece(source).bytes, model.nllSum);
    const sums = noSums(model, block);
    const heldOut = noSums(model, block);
    for (const [index, ids] of chunks.ids.entries()) {
      const whole = await observed(model, ids, Mask.empty, run.at(-1) ?? block);
      const pruned = await observed(repaired, ids, mask, block);
      const missing = whole.after.map((value, at) => value - pruned.after[at]);
      const rows = [...ids.keys()].filter((row) => ids[row] !== chunks.ignoredId);
      const { inputs, outputs, bias } = sums.shape;
      const columns = rows.map((row) => [
        ...pruned.inputs.subarray(row * inputs, (row + 1) * inputs),
        ...missing.subarray(row * outputs, (row + 1) * outputs),
        ...(bias ? [1] : []),
      ]);
      if (rows.length > 0) (apart.has(index) ? heldOut : sums).add(gramOf(columns), rows.length);
    }
    repaired.free();
    const names = outputTensorNames(model.config, block);
    const weight = await source.tensor(names.weight);
    const bias = names.bias === null ? null : await source.tensor(names.bias);
    const fit = await fitOutput(sums, heldOut.rows === 0 ? null : heldOut, weight, bias, settings);
    fits.push({ block: formatBlock(block), ...fit.figures });
    if (fit.weight !== null) edits.push(rewrite(names.weight, fit.weight));
    if (fit.bias !== null && names.bias !== null) edits.push(rewrite(names.bias, fit.bias));
  }
  return { edits, fits };
}

/** A run of one chunk: the inputs of a block's output matrix, and the stream after the block. */
async function observed(
  model: Transformer,
  ids: Int32Array,
  mask: Mask,
  block: BlockId,
): Promise<{ inputs: Float32Array; after: Float32Array }> {
  const { weight } = outputTensorNames(model.config, block);
  const download = (x: DeviceTensor): Promise<Float32Array> => model.backend.download(x);
  const found = { inputs: new Float32Array(0), after: new Float32Array(0) };
  const last = await model.walk([ids], mask, {
    async input(name, x) {
      if (name === weight) found.inputs = Float32Array.from(await download(x));
    },
    async block(id, _, after) {
      if (walkIndex(id) === walkIndex(block)) found.after = Float32Array.from(await download(after));
    },
  });
  model.backend.free(last);
  return found;
}

/** Σ over rows of the products of all pairs of columns. */
function gramOf(rows: readonly (readonly number[])[]): Float32Array {
  const width = rows[0].length;
  return Float32Array.from({ length: width * width }, (_, at) => {
    return rows.reduce((sum, row) => sum + row[Math.floor(at / width)] * row[at % width], 0);
  });
}

function rewrite(tensor: string, values: Float32Array): RewriteEdit {
  return { type: 'rewrite', tensor, values: () => Promise.resolve(values) };
}
