import type { DeviceTensor, RopeTable } from '../backends/backend.ts';
import type { ModelConfig } from '../model/config.ts';
import { ropeTable } from '../ops/ropeTable.ts';

/**
 * The rotary table of the first positions, on a scope or a tape; null where positions are learned.
 */
export function uploadRope(
  to: { upload(data: Float32Array, rows: number, cols: number): DeviceTensor },
  { rope, headDim }: ModelConfig,
  positions: number,
): RopeTable | null {
  if (rope === null) return null;
  const { cos, sin } = ropeTable(rope, headDim, positions);
  const half = headDim / 2;
  return { cos: to.upload(cos, positions, half), sin: to.upload(sin, positions, half) };
}
