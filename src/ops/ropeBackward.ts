/**
 * The backward of rope: a rotation's transpose is the rotation the other way.
 *
 * Shapes: dy [rows, heads·D], cos and sin [positions, D/2] → dx [rows, heads·D].
 *
 * Formula: for i < D/2 and a = angle(p, i): dx_i = dy_i cos a + dy_{i+D/2} sin a,
 * dx_{i+D/2} = dy_{i+D/2} cos a − dy_i sin a.
 *
 * Numerics: f64 between the f32 table and the result. dx may be dy.
 *
 * Reference: Su et al. 2021, RoFormer, eq. 34, transposed.
 */
import type { Floats } from './floats.ts';
import { rotate, type RopeSpec } from './rope.ts';

export function ropeBackward(dx: Floats, dy: Floats, cos: Floats, sin: Floats, rows: number, spec: RopeSpec): void {
  rotate(dx, dy, cos, sin, rows, spec, -1);
}
