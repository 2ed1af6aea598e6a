/**
 * What a kernel is here: a function that gpu.js reads as text and turns into WGSL, GLSL,
 * WebAssembly or plain JavaScript.
 *
 * It computes one number of the result (or four beside one another) from `this.thread.x`, the
 * column, and `this.thread.y`, the row. So it can only gather: what depends on a whole row, like a
 * norm, takes a kernel for the row's statistic and another one that applies it.
 *
 * What such a function must keep to, since its text is all that counts:
 * - no imports, closures or optional chaining; other functions only if listed in `Program.helpers`.
 * - Arrays are flat. Where they start is an argument of its own (`x, xAt`), as views share memory.
 * - gpu.js makes every local variable an f32, which has whole numbers up to 2²⁴ only; save a loop
 *   counter that starts at a literal, goes up by `i++` and is compared with an integer. So indices
 *   of large arrays are written out in the brackets, from integer arguments, counters and
 *   `this.thread`; a small whole number that was a variable goes in as `(head | 0)`.
 * - Loops of one kernel have counters of different names: the cpu's translation puts them all in
 *   one scope.
 * - There is no integer division: `quotient` (math.ts).
 */

/** `this` inside a kernel. */
export interface KernelThread {
  readonly thread: { readonly x: number; readonly y: number };
}

/** What an argument can be: an `array` lies on the device, `host` data do not yet. */
export type ArgumentKind = 'array' | 'host' | 'integer' | 'float';

/** A kernel with what gpu.js has to know to compile it. Made by `program`. */
export interface Program {
  readonly source: (this: KernelThread, ...args: never) => number | number[];
  /** Kinds of the arguments in order. */
  readonly takes: readonly ArgumentKind[];
  /** Functions that the kernel calls. */
  readonly helpers?: readonly ((...args: never[]) => number)[];
  /** Neighbouring columns that one thread computes. */
  readonly width?: 4;
}

/** The kinds that parameters of these types can have. */
type KindsOf<Parameters extends (number | number[])[]> = {
  readonly [Index in keyof Parameters]: Parameters[Index] extends number[] ? 'array' | 'host' : 'integer' | 'float';
};

/** A program whose kinds fit its parameters one by one: the compiler refuses others. */
export function program<Parameters extends (number | number[])[]>(
  source: (this: KernelThread, ...args: Parameters) => number | number[],
  takes: KindsOf<Parameters>,
  rest: Pick<Program, 'helpers' | 'width'> = {},
): Program {
  return { source, takes, ...rest };
}
