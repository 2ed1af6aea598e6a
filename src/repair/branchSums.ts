/** What a fit needs of a block: the inputs of its output matrix, and what is missing after it. */
import type { DeviceTensor } from '../backends/backend.ts';
import type { BlockId } from '../model/blockId.ts';
import type { ModelConfig } from '../model/config.ts';
import { consume, withScope } from '../model/ownership.ts';
import { mhaTensorNames, mlpTensorNames, type LinearNames } from '../model/tensorNames.ts';
import type { Transformer } from '../model/transformer.ts';
import { elementsOf } from '../model/weights.ts';
import { NormalEquations } from './normalEquations.ts';
import { rowsOf, type Unit } from './units.ts';

/** The names of a block's output matrix, which writes to the stream, and of its bias. */
export function outputOf(config: ModelConfig, { kind, layer }: BlockId): LinearNames {
  return kind === 'mha' ? mhaTensorNames(config, layer).output : mlpTensorNames(config, layer).down;
}

/** Sums for a block's output matrix, of no rows yet. */
export function noSums({ config, source }: Transformer, block: BlockId): NormalEquations {
  const { weight, bias } = outputOf(config, block);
  const outputs = config.hiddenSize;
  return new NormalEquations({ inputs: elementsOf(source, weight) / outputs, outputs, bias: bias !== null });
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
): Promise<{ inputs: Float32Array; after: Float32Array }> {
  const { weight } = outputOf(model.config, block);
  let inputs: Float32Array = new Float32Array(0);
  const moved = await model.block(block, x, unit.ids[0].length, {
    async input(name, a) {
      if (name === weight) inputs = await model.backend.download(a);
    },
  });
  const after = await consume(model.backend, moved, (h) => model.backend.download(h));
  return { inputs, after };
}

/**
 * Adds a unit's rows of [A | R | 1] to the sums, R = target − after.
 * @param ignoredId tokens whose rows do not count: padding, which no text is made of.
 */
export async function addRows(
  sums: NormalEquations,
  { backend }: Transformer,
  unit: Unit,
  rows: { readonly inputs: Float32Array; readonly after: Float32Array; readonly target: Float32Array },
  ignoredId: number | null,
): Promise<void> {
  const { width, shape } = sums;
  const count = rowsOf(unit);
  const tokens = unit.ids.flatMap((ids) => [...ids]);
  const joined = new Float32Array(count * width);
  let counted = 0;
  for (const [row, token] of tokens.entries()) {
    if (token === ignoredId) continue;
    const at = counted * width;
    joined.set(rows.inputs.subarray(row * shape.inputs, (row + 1) * shape.inputs), at);
    for (let i = 0; i < shape.outputs; i++) {
      const from = row * shape.outputs + i;
      joined[at + shape.inputs + i] = rows.target[from] - rows.after[from];
    }
    if (shape.bias) joined[at + width - 1] = 1;
    counted++;
  }
  if (counted === 0) return;
  const gram = await withScope(backend, (scope) => {
    return backend.download(scope.gram(scope.upload(joined.subarray(0, counted * width), counted, width)));
  });
  sums.add(gram, counted);
}
