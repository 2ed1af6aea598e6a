/**
 * Scalar compensation in a walk: at each cut the repaired stream is multiplied by one number, and
 * at the end the numbers are folded into the weights.
 *
 * Folding is exact, up to rounding and the norm's ε. A block of a pre-norm model looks at its
 * stream through a norm, which does not see how long a row is; so a stream is a times as long after
 * a cut if all that was written to it before, the embedding included, is a times as large. Where
 * the embedding is the head as well, the final norm is divided by what the embedding was multiplied
 * by (Prune&Comp, AAAI 2026).
 */
import type { DeviceTensor } from '../backends/backend.ts';
import { parseBlock, walkIndex } from '../model/blockId.ts';
import type { ModelConfig } from '../model/config.ts';
import type { RewriteEdit } from '../model/edit.ts';
import type { Mask } from '../model/mask.ts';
import { withScope } from '../model/ownership.ts';
import { modelTensorNames, outputTensorNames } from '../model/tensorNames.ts';
import type { Transformer } from '../model/transformer.ts';
import { walkOf } from '../model/walk.ts';
import type { StreamSums } from './scale.ts';
import type { Move } from './stream.ts';

/** A cut's number, at the kept block before it: `L5.mlp`. */
export interface CutScale {
  readonly block: string;
  readonly scale?: number;
}

/** Sums over all elements of rows that count: `target` is the dense stream, `after` the pruned. */
export function addStreamSums(
  sums: StreamSums,
  { target, after }: { readonly target: Float32Array; readonly after: Float32Array },
  counts: readonly boolean[],
): StreamSums {
  const width = after.length / counts.length;
  let { rows, dense, product, pruned } = sums;
  for (const [row, counted] of counts.entries()) {
    if (!counted) continue;
    rows++;
    for (let i = row * width; i < (row + 1) * width; i++) {
      dense += target[i] * target[i];
      product += target[i] * after[i];
      pruned += after[i] * after[i];
    }
  }
  return { rows, dense, product, pruned };
}

/** Multiplies a stream by a number, on the host. */
export function times({ backend }: Pick<Transformer, 'backend'>, scale: number): Move {
  return async (x): Promise<DeviceTensor> => {
    const values = await backend.download(x);
    const scaled = values.map((value) => scale * value);
    return withScope(backend, (scope) => scope.keep(scope.upload(scaled, x.rows, x.cols)));
  };
}

/** The edits that do to a pruned model's streams what multiplying them at the cuts does. */
export function scaleEdits(config: ModelConfig, mask: Mask, scales: readonly CutScale[]): RewriteEdit[] {
  const cuts = scales.map(({ block, scale = 1 }) => {
    return { at: walkIndex(parseBlock(block, config.layers.length)), scale };
  });
  /** What is written at a place of the walk passes all cuts from there on. */
  const from = (place: number): number => {
    return cuts.reduce((product, { at, scale }) => (at >= place ? product * scale : product), 1);
  };
  const { embedding, positions, finalNorm } = modelTensorNames(config);
  const all = from(0);
  const factors: (readonly [tensor: string | null, factor: number])[] = [
    [embedding, all],
    [positions, all],
    ...walkOf(config, mask).flatMap((block) => {
      const { weight, bias } = outputTensorNames(config, block);
      const factor = from(walkIndex(block));
      return [[weight, factor] as const, [bias, factor] as const];
    }),
    ...[finalNorm.weight, finalNorm.bias].map((tensor) => {
      return [tensor, config.tieWordEmbeddings ? 1 / all : 1] as const;
    }),
  ];
  return factors.flatMap(([tensor, factor]) => (tensor === null || factor === 1 ? [] : [scaledTensor(tensor, factor)]));
}

function scaledTensor(tensor: string, factor: number): RewriteEdit {
  const scaled = (values: Float32Array): Float32Array => values.map((value) => factor * value);
  return {
    type: 'rewrite',
    tensor,
    values: async (old) => scaled(await old.tensor(tensor)),
    rows: async (old, from, to) => scaled(await old.rows(tensor, from, to)),
  };
}
