/** One thread an element, no loop. Shapes: x [rows, n], out [rows, n] unless said otherwise. */
import { program, type KernelThread, type Program } from './kernel.ts';
import { boundedExp, erfc } from './math.ts';

function copyRows(this: KernelThread, x: number[], xAt: number, n: number): number {
  return x[xAt + this.thread.y * n + this.thread.x];
}

export const copyProgram: Program = program(copyRows, ['array', 'integer', 'integer']);

/**
 * `copy` of what lies on the host: in WebGL a kernel of its own, as it reads another kind of
 * texture.
 */
export const uploadProgram: Program = program(copyRows, ['host', 'integer', 'integer']);

function addRows(this: KernelThread, x: number[], xAt: number, y: number[], yAt: number, n: number): number {
  return x[xAt + this.thread.y * n + this.thread.x] + y[yAt + this.thread.y * n + this.thread.x];
}

export const addProgram: Program = program(addRows, ['array', 'integer', 'array', 'integer', 'integer']);

/** x [rows, n] → its columns from `from` on. */
function takeColumns(this: KernelThread, x: number[], xAt: number, n: number, from: number): number {
  return x[xAt + this.thread.y * n + from + this.thread.x];
}

export const columnsProgram: Program = program(takeColumns, ['array', 'integer', 'integer', 'integer']);

/** target [rows, n] with its elements from `from` to `to`, counted flat, taken from source. */
function overwriteRange(
  this: KernelThread,
  target: number[],
  source: number[],
  sourceAt: number,
  n: number,
  from: number,
  to: number,
): number {
  if (this.thread.y * n + this.thread.x >= from) {
    if (this.thread.y * n + this.thread.x < to) {
      return source[sourceAt + this.thread.y * n + this.thread.x - from];
    }
  }
  return target[this.thread.y * n + this.thread.x];
}

export const overwriteProgram: Program = program(overwriteRange, [
  'array',
  'array',
  'integer',
  'integer',
  'integer',
  'integer',
]);

/** The rows of x [split, n], then those of y. */
function stackRows(
  this: KernelThread,
  x: number[],
  xAt: number,
  y: number[],
  yAt: number,
  n: number,
  split: number,
): number {
  if (this.thread.y < split) return x[xAt + this.thread.y * n + this.thread.x];
  return y[yAt + (this.thread.y - split) * n + this.thread.x];
}

export const stackProgram: Program = program(stackRows, ['array', 'integer', 'array', 'integer', 'integer', 'integer']);

/**
 * silu(gate) · up = gate / (1 + e^−gate) · up. Below −87, where e^−gate leaves f32, gate e^gate is
 * the same, and half of the exponential goes before `up`, half after it; below −170 nothing is left
 * whatever `up` is (g − g: 0, and NaN of −∞).
 */
function swigluRows(this: KernelThread, gate: number[], gateAt: number, up: number[], upAt: number, n: number): number {
  const g = gate[gateAt + this.thread.y * n + this.thread.x];
  if (g < -170) return (g - g) * up[upAt + this.thread.y * n + this.thread.x];
  if (g < -87) {
    const half = boundedExp(g * 0.5);
    return g * half * up[upAt + this.thread.y * n + this.thread.x] * half;
  }
  return (g / (1 + boundedExp(-g))) * up[upAt + this.thread.y * n + this.thread.x];
}

export const swigluProgram: Program = program(swigluRows, ['array', 'integer', 'array', 'integer', 'integer'], {
  helpers: [boundedExp],
});

/** x / (1 + e^−2u), u = √(2/π) (x + 0.044715 x³), whose cube leaves f32 for a large x. */
function geluTanhRows(this: KernelThread, x: number[], xAt: number, n: number): number {
  const z = x[xAt + this.thread.y * n + this.thread.x];
  if (z > 1e6) return z;
  if (z < -1e6) return z - z;
  return z / (1 + boundedExp(-1.5957691216057308 * (z + 0.044715 * z * z * z)));
}

export const geluTanhProgram: Program = program(geluTanhRows, ['array', 'integer', 'integer'], {
  helpers: [boundedExp],
});

/** x/2 · erfc(−x/√2) */
function geluErfRows(this: KernelThread, x: number[], xAt: number, n: number): number {
  const z = x[xAt + this.thread.y * n + this.thread.x];
  if (z > 1e6) return z;
  if (z < -1e6) return z - z;
  return 0.5 * z * erfc(-Math.SQRT1_2 * z);
}

export const geluErfProgram: Program = program(geluErfRows, ['array', 'integer', 'integer'], {
  helpers: [boundedExp, erfc],
});
