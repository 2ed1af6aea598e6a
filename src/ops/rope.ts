/**
 * Rotary position embedding: turns each pair of a head's numbers by an angle that grows with the
 * position, so that the product of a query and a key depends on how far apart they are and not on
 * where.
 *
 * Shapes: x [rows, heads·D], cos and sin [positions, D/2] (see ropeTable.ts) → out [rows, heads·D].
 * The rows are sequences of seqLen; row r sits at position p = start + r mod seqLen.
 *
 * Formula: for i < D/2 and a = angle(p, i): out_i = x_i cos a − x_{i+D/2} sin a, out_{i+D/2} =
 * x_{i+D/2} cos a + x_i sin a. Pairs are (i, i + D/2), the two halves of a head, as in Hugging
 * Face's weights; the paper pairs (2i, 2i + 1).
 *
 * Numerics: f64 between the f32 table and the f32 result. out may be x.
 *
 * Reference: Su et al. 2021, RoFormer, §3.2.2 and eq. 34.
 */
import type { Floats } from './floats.ts';

export interface RopeSpec {
  /** Heads side by side in a row: the row has heads · headDim columns. */
  heads: number;
  headDim: number;
  /** Rows a sequence; row r sits at position start + r mod seqLen. */
  seqLen: number;
  /** Position of a sequence's first row (> 0 when continuing from a KV cache). */
  start: number;
}

export function rope(out: Floats, x: Floats, cos: Floats, sin: Floats, rows: number, spec: RopeSpec): void {
  rotate(out, x, cos, sin, rows, spec, 1);
}

/** The rotation in its own direction, 1, or back, −1: by the angle −a, whose sine is −sin a. */
export function rotate(
  out: Floats,
  x: Floats,
  cos: Floats,
  sin: Floats,
  rows: number,
  { heads, headDim, seqLen, start }: RopeSpec,
  direction: 1 | -1,
): void {
  const half = headDim / 2;
  for (let row = 0; row < rows; row++) {
    const angles = (start + (row % seqLen)) * half; // this position's row of the table
    for (let head = 0; head < heads; head++) {
      const at = (row * heads + head) * headDim;
      for (let i = 0; i < half; i++) {
        const c = cos[angles + i];
        const s = direction * sin[angles + i];
        const first = x[at + i];
        const second = x[at + half + i];
        out[at + i] = first * c - second * s;
        out[at + half + i] = second * c + first * s;
      }
    }
  }
}
