/** The tensors that a Hugging Face model must have, from its config alone. */
import { blockTensorNames } from '../../model/blockTensors.ts';
import type { ModelConfig } from '../../model/config.ts';
import { tensorShapes } from '../../model/tensorShapes.ts';
import { walkOf } from '../../model/walk.ts';

export interface ExpectedTensor {
  /** Canonical shape; a projection is [out, in]. */
  readonly shape: readonly number[];
  /** Stored as [in, out]: GPT-2's Conv1D. */
  readonly transposed: boolean;
}

/** Canonical name → what is expected of it. A tied head is not listed. */
export function expectedTensors(config: ModelConfig): Map<string, ExpectedTensor> {
  const inBlocks = new Set(walkOf(config).flatMap((id) => blockTensorNames(config, id)));
  const conv1d = config.family === 'gpt2';
  const expected = [...tensorShapes(config)].map(([name, shape]) => {
    return [name, { shape, transposed: conv1d && shape.length === 2 && inBlocks.has(name) }] as const;
  });
  return new Map(expected);
}
