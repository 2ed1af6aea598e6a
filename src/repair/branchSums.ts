/** What a fit needs of a block: the inputs of its output matrix, and what is missing after it. */
import type { DeviceTensor } from '../backends/backend.ts';
import type { BlockId } from '../model/blockId.ts';
import { consume, withScope } from '../model/ownership.ts';
import { outputTensorNames } from '../model/tensorNames.ts';
import type { Transformer } from '../model/transformer.ts';
import { elementsOf, type WeightSource } from '../model/weights.ts';
import { NormalEquations, type FitShape } from './normalEquations.ts';
import type { Unit } from './units.ts';

/** Sums for a block's output matrix, of no rows yet. */
export function noSums({ source }: Transformer, block: BlockId): NormalEquations {
  return new NormalEquations(fitShapeOf(source, block));
}

/** The size of the fit of a block's output matrix. */
export function fitShapeOf(source: WeightSource, block: BlockId): FitShape {
  const { weight, bias } = outputTensorNames(source.config, block);
  const outputs = source.config.hiddenSize;
  return { inputs: elementsOf(source, weight) / outputs, outputs, bias: bias !== null };
}

/**
 * A block run as it is on a stream [R, C]: the inputs A [R, in] of its output matrix, and the
 * stream H [R, C] after it, both on the host.
 */
export async function observe(
  model: Transformer,
  block: BlockId,
  x: DeviceTensor,
  unit: Unit,
): Promise<Pick<Observed, 'inputs' | 'after'>> {
  const { weight } = outputTensorNames(model.config, block);
  let inputs: Float32Array = new Float32Array(0);
  const moved = await model.block(block, x, unit.ids[0].length, {
    async input(name, a) {
      if (name === weight) inputs = await model.backend.download(a);
    },
  });
  const after = await consume(model.backend, moved, (h) => model.backend.download(h));
  return { inputs, after };
}

/** What a fit sees of a unit: all on the host, R rows each. */
export interface Observed {
  /** A [R, in], inputs of the output matrix. */
  readonly inputs: Float32Array;
  /** H [R, C], the stream after the block as it is. */
  readonly after: Float32Array;
  /** H* [R, C], the dense stream after the removed blocks that follow. */
  readonly target: Float32Array;
}

/**
 * Adds rows of [A | R | 1] to the sums, R = H* − H.
 * @param counts which rows do: `countedRows`.
 */
export async function addRows(
  sums: NormalEquations,
  { backend }: Pick<Transformer, 'backend'>,
  { inputs, after, target }: Observed,
  counts: readonly boolean[],
): Promise<void> {
  const { width, shape } = sums;
  const count = counts.filter(Boolean).length;
  if (count === 0) return;
  const joined = new Float32Array(count * width);
  let at = 0;
  for (const [row, counted] of counts.entries()) {
    if (!counted) continue;
    joined.set(inputs.subarray(row * shape.inputs, (row + 1) * shape.inputs), at);
    const missing = at + shape.inputs;
    const from = row * shape.outputs;
    for (let i = 0; i < shape.outputs; i++) joined[missing + i] = target[from + i] - after[from + i];
    if (shape.bias) joined[at + width - 1] = 1;
    at += width;
  }
  const gram = await withScope(backend, (scope) => backend.download(scope.gram(scope.upload(joined, count, width))));
  sums.add(gram, count);
}
