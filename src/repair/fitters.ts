/** What is fitted at a kept block: its output matrix, or one number for its stream. */
import type { BlockId } from '../model/blockId.ts';
import type { Transformer } from '../model/transformer.ts';
import { outputTensorNames } from '../model/tensorNames.ts';
import { addRows, noSums, type Observed } from './branchSums.ts';
import { fitOutput, type FitFigures, type FitSettings } from './fit.ts';
import { fitScale, type StreamSums } from './scale.ts';
import { addStreamSums } from './scaleWalk.ts';

export interface FitterResult {
  readonly figures: FitFigures;
  /** New values by canonical name; none where the block keeps its own. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
  /** What the stream is multiplied by, where that is what is fitted. */
  readonly scale?: number;
}

/** Sees the rows of a block, unit by unit, and fits. */
export interface Fitter {
  /** @param counts which rows do. */
  add(observed: Observed, counts: readonly boolean[], heldOut: boolean): Promise<void>;
  fit(): Promise<FitterResult>;
}

/** Of a block's output matrix, with its bias. */
export function matrixFitter(model: Transformer, block: BlockId, settings: FitSettings): Fitter {
  const sums = noSums(model, block);
  const apart = noSums(model, block);
  return {
    add: (observed, counts, heldOut) => addRows(heldOut ? apart : sums, model, observed, counts),
    async fit(): Promise<FitterResult> {
      const names = outputTensorNames(model.config, block);
      const weight = await model.source.tensor(names.weight);
      const bias = names.bias === null ? null : await model.source.tensor(names.bias);
      const fitted = await fitOutput(sums, apart.rows === 0 ? null : apart, weight, bias, settings);
      const tensors = new Map<string, Float32Array>();
      if (fitted.weight !== null) tensors.set(names.weight, fitted.weight);
      if (names.bias !== null && fitted.bias !== null) tensors.set(names.bias, fitted.bias);
      return { figures: fitted.figures, tensors };
    },
  };
}

/** Of the stream after a block, as a whole. */
export function scaleFitter(): Fitter {
  const none: StreamSums = { rows: 0, dense: 0, product: 0, pruned: 0 };
  let [sums, apart] = [none, none];
  return {
    async add(observed, counts, heldOut): Promise<void> {
      if (heldOut) apart = addStreamSums(apart, observed, counts);
      else sums = addStreamSums(sums, observed, counts);
    },
    async fit(): Promise<FitterResult> {
      return { ...fitScale(sums, apart.rows === 0 ? null : apart), tensors: new Map() };
    },
  };
}
