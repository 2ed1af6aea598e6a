/**
 * x Wᵀ + bias. W is packed transposed, [k, n], so that neighbouring threads read neighbouring
 * numbers, and the bias (zeros where there is none) is the packed array's last row.
 *
 * Shapes: x [rows, k], packed [k + 1, n] → [rows, n]. One f32 sum over k in order, whatever kernel
 * computes it.
 */
import { program, type KernelThread, type Program } from './kernel.ts';

function linearRows(this: KernelThread, x: number[], xAt: number, packed: number[], n: number, k: number): number {
  let sum = 0;
  for (let i = 0; i < k; i++) {
    sum += x[xAt + this.thread.y * k + i] * packed[i * n + this.thread.x];
  }
  return sum + packed[k * n + this.thread.x];
}

export const linearProgram: Program = program(linearRows, ['array', 'integer', 'array', 'integer', 'integer']);

/**
 * Four neighbouring columns a thread: each number of x that was read serves four products. n is a
 * multiple of 4.
 */
function linearFour(this: KernelThread, x: number[], xAt: number, packed: number[], n: number, k: number): number[] {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < k; i++) {
    const value = x[xAt + this.thread.y * k + i];
    a += value * packed[i * n + 4 * this.thread.x];
    b += value * packed[i * n + 4 * this.thread.x + 1];
    c += value * packed[i * n + 4 * this.thread.x + 2];
    d += value * packed[i * n + 4 * this.thread.x + 3];
  }
  return [
    a + packed[k * n + 4 * this.thread.x],
    b + packed[k * n + 4 * this.thread.x + 1],
    c + packed[k * n + 4 * this.thread.x + 2],
    d + packed[k * n + 4 * this.thread.x + 3],
  ];
}

export const linearFourProgram: Program = program(linearFour, ['array', 'integer', 'array', 'integer', 'integer'], {
  width: 4,
});
