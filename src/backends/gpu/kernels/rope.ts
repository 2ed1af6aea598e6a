import { program, type KernelThread, type Program } from './kernel.ts';
import { quotient } from './math.ts';

/**
 * Rotates the pairs (i, i + D/2) of each head. Each thread computes one of the two, so both numbers
 * are read twice.
 *
 * Shapes: x [rows, n = heads · D], cos and sin [positions, D/2] → [rows, n].
 */
function ropeRows(
  this: KernelThread,
  x: number[],
  xAt: number,
  cos: number[],
  cosAt: number,
  sin: number[],
  sinAt: number,
  n: number,
  half: number,
  seqLen: number,
  start: number,
): number {
  const i = this.thread.x - 2 * half * quotient(this.thread.x, 2 * half);
  const position = start + this.thread.y - seqLen * quotient(this.thread.y, seqLen);
  if (i < half) {
    return (
      x[xAt + this.thread.y * n + this.thread.x] * cos[cosAt + (position | 0) * half + (i | 0)] -
      x[xAt + this.thread.y * n + this.thread.x + half] * sin[sinAt + (position | 0) * half + (i | 0)]
    );
  }
  return (
    x[xAt + this.thread.y * n + this.thread.x] * cos[cosAt + (position | 0) * half + (i | 0) - half] +
    x[xAt + this.thread.y * n + this.thread.x - half] * sin[sinAt + (position | 0) * half + (i | 0) - half]
  );
}

export const ropeProgram: Program = program(
  ropeRows,
  ['array', 'integer', 'array', 'integer', 'array', 'integer', 'integer', 'integer', 'integer', 'integer'],
  { helpers: [quotient] },
);
