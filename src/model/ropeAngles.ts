import { ropeFrequencies } from '../ops/ropeTable.ts';
import type { ModelConfig } from './config.ts';

/**
 * Whether the angle of every pair at every position is a number. Settings far from any model's (a
 * factor of 5e-324) overflow, and the cosine of infinity is NaN. True of a model without rotary
 * embedding.
 */
export function hasFiniteAngles({ rope, headDim, maxPositionEmbeddings }: ModelConfig): boolean {
  if (rope === null) return true;
  return ropeFrequencies(rope, headDim).every((frequency) => Number.isFinite(frequency * maxPositionEmbeddings));
}
