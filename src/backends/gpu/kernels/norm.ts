/**
 * Both norms, as a statistic of each row and its application. The statistic is added up in `parts`
 * strided sums a row, so that a row keeps several threads busy and none adds up long sums; the
 * kernels that apply it add these up again. Where the sum of squares leaves f32's range, they take
 * the row again times 2⁻⁷⁵, in which eps is nothing.
 *
 * Shapes: x [rows, n]; sums [rows, parts]; weight, bias [1, n].
 */
import { program, type KernelThread, type Program } from './kernel.ts';

function rowSums(this: KernelThread, x: number[], xAt: number, n: number, parts: number): number {
  let sum = 0;
  for (let i = 0; i * parts + this.thread.x < n; i++) {
    sum += x[xAt + this.thread.y * n + this.thread.x + i * parts];
  }
  return sum;
}

export const rowSumsProgram: Program = program(rowSums, ['array', 'integer', 'integer', 'integer']);

function rowSquares(this: KernelThread, x: number[], xAt: number, n: number, parts: number): number {
  let sum = 0;
  for (let i = 0; i * parts + this.thread.x < n; i++) {
    const value = x[xAt + this.thread.y * n + this.thread.x + i * parts];
    sum += value * value;
  }
  return sum;
}

export const rowSquaresProgram: Program = program(rowSquares, ['array', 'integer', 'integer', 'integer']);

/** Σ (x − mean)²: the shortcut over x² would cancel where the mean is large. */
function centredSquares(
  this: KernelThread,
  x: number[],
  xAt: number,
  sums: number[],
  n: number,
  parts: number,
): number {
  let total = 0;
  for (let part = 0; part < parts; part++) total += sums[this.thread.y * parts + part];
  const mean = total / n;
  let sum = 0;
  for (let i = 0; i * parts + this.thread.x < n; i++) {
    const value = x[xAt + this.thread.y * n + this.thread.x + i * parts] - mean;
    sum += value * value;
  }
  return sum;
}

export const centredSquaresProgram: Program = program(centredSquares, [
  'array',
  'integer',
  'array',
  'integer',
  'integer',
]);

/** x / √(mean x² + eps) · weight */
function applyRmsNorm(
  this: KernelThread,
  x: number[],
  xAt: number,
  squares: number[],
  weight: number[],
  weightAt: number,
  n: number,
  parts: number,
  eps: number,
): number {
  let total = 0;
  for (let part = 0; part < parts; part++) total += squares[this.thread.y * parts + part];
  if (total < 1e38) {
    return (x[xAt + this.thread.y * n + this.thread.x] / Math.sqrt(total / n + eps)) * weight[weightAt + this.thread.x];
  }
  let squaresOfSmall = 0;
  for (let i = 0; i < n; i++) {
    const value = x[xAt + this.thread.y * n + i] * 2.6469779601696886e-23;
    squaresOfSmall += value * value;
  }
  const small = x[xAt + this.thread.y * n + this.thread.x] * 2.6469779601696886e-23;
  return (small / Math.sqrt(squaresOfSmall / n)) * weight[weightAt + this.thread.x];
}

export const rmsNormProgram: Program = program(applyRmsNorm, [
  'array',
  'integer',
  'array',
  'array',
  'integer',
  'integer',
  'integer',
  'float',
]);

/** (x − mean) / √(variance + eps) · weight + bias */
function applyLayerNorm(
  this: KernelThread,
  x: number[],
  xAt: number,
  sums: number[],
  squares: number[],
  weight: number[],
  weightAt: number,
  bias: number[],
  biasAt: number,
  n: number,
  parts: number,
  eps: number,
): number {
  let total = 0;
  let spread = 0;
  for (let part = 0; part < parts; part++) {
    total += sums[this.thread.y * parts + part];
    spread += squares[this.thread.y * parts + part];
  }
  if (spread < 1e38) {
    const centred = x[xAt + this.thread.y * n + this.thread.x] - total / n;
    return (centred / Math.sqrt(spread / n + eps)) * weight[weightAt + this.thread.x] + bias[biasAt + this.thread.x];
  }
  let mean = 0;
  for (let i = 0; i < n; i++) mean += (x[xAt + this.thread.y * n + i] * 2.6469779601696886e-23) / n;
  let squaresOfSmall = 0;
  for (let j = 0; j < n; j++) {
    const value = x[xAt + this.thread.y * n + j] * 2.6469779601696886e-23 - mean;
    squaresOfSmall += value * value;
  }
  const small = x[xAt + this.thread.y * n + this.thread.x] * 2.6469779601696886e-23 - mean;
  // Of equal numbers nothing is left, and nothing by the root of it is to be 0.
  const deviation = Math.sqrt(squaresOfSmall / n + 1e-30);
  return (small / deviation) * weight[weightAt + this.thread.x] + bias[biasAt + this.thread.x];
}

export const layerNormProgram: Program = program(applyLayerNorm, [
  'array',
  'integer',
  'array',
  'array',
  'array',
  'integer',
  'array',
  'integer',
  'integer',
  'integer',
  'float',
]);
