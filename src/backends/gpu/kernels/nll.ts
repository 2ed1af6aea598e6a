/**
 * A row's running log-sum-exp over the vocabulary. The ids of a tile are shared out among `parts`
 * strided sums a row; each keeps (m, s), m the highest logit so far and s = Σ e^(z − m).
 *
 * Shapes: logits [rows, n]; highest, sums [rows, parts]; targets, found [rows, 1].
 */
import { program, type KernelThread, type Program } from './kernel.ts';
import { relativeExp } from './math.ts';

/** The new m: of what came before and of this tile. */
function raiseHighest(this: KernelThread, logits: number[], before: number[], n: number, parts: number): number {
  let highest = before[this.thread.y * parts + this.thread.x];
  for (let i = 0; i * parts + this.thread.x < n; i++) {
    highest = Math.max(highest, logits[this.thread.y * n + this.thread.x + i * parts]);
  }
  return highest;
}

export const raiseHighestProgram: Program = program(raiseHighest, ['array', 'array', 'integer', 'integer']);

/**
 * The new s, in groups of 16 terms: a single running sum would lose what is small beside it, which
 * a vocabulary of tens of thousands of unlikely ids adds up to.
 */
function foldSums(
  this: KernelThread,
  logits: number[],
  before: number[],
  sums: number[],
  highest: number[],
  n: number,
  parts: number,
): number {
  const peak = highest[this.thread.y * parts + this.thread.x];
  let sum =
    sums[this.thread.y * parts + this.thread.x] * relativeExp(before[this.thread.y * parts + this.thread.x], peak);
  let group = 0;
  let terms = 0;
  for (let i = 0; i * parts + this.thread.x < n; i++) {
    group += relativeExp(logits[this.thread.y * n + this.thread.x + i * parts], peak);
    terms += 1;
    if (terms === 16) {
      sum += group;
      group = 0;
      terms = 0;
    }
  }
  return sum + group;
}

export const foldSumsProgram: Program = program(foldSums, ['array', 'array', 'array', 'array', 'integer', 'integer'], {
  helpers: [relativeExp],
});

/** The new s as one f32 sum in the order of ids (`NllSum` f32), for parts = 1. */
function foldSumsInOrder(
  this: KernelThread,
  logits: number[],
  before: number[],
  sums: number[],
  highest: number[],
  n: number,
): number {
  const peak = highest[this.thread.y];
  let sum = Math.fround(sums[this.thread.y] * relativeExp(before[this.thread.y], peak));
  for (let i = 0; i < n; i++) {
    sum = Math.fround(sum + relativeExp(logits[this.thread.y * n + i], peak));
  }
  return sum;
}

export const foldSumsInOrderProgram: Program = program(
  foldSumsInOrder,
  ['array', 'array', 'array', 'array', 'integer'],
  { helpers: [relativeExp] },
);

/**
 * The target's logit where this tile of ids firstId … firstId + n − 1 holds it, else what was found
 * before.
 */
function findTarget(
  this: KernelThread,
  logits: number[],
  targets: number[],
  before: number[],
  n: number,
  firstId: number,
): number {
  const id = targets[this.thread.y] - firstId;
  if (id >= 0) {
    if (id < n) return logits[this.thread.y * n + (id | 0)];
  }
  return before[this.thread.y];
}

export const findTargetProgram: Program = program(findTarget, ['array', 'array', 'array', 'integer', 'integer']);

/** [rows, 3]: m over all parts, s over all parts relative to it, the target's logit. */
function joinParts(this: KernelThread, highest: number[], sums: number[], found: number[], parts: number): number {
  if (this.thread.x === 2) return found[this.thread.y];
  let peak = highest[this.thread.y * parts];
  for (let other = 1; other < parts; other++) peak = Math.max(peak, highest[this.thread.y * parts + other]);
  if (this.thread.x === 0) return peak;
  let sum = 0;
  for (let part = 0; part < parts; part++) {
    sum += sums[this.thread.y * parts + part] * relativeExp(highest[this.thread.y * parts + part], peak);
  }
  return sum;
}

export const joinPartsProgram: Program = program(joinParts, ['array', 'array', 'array', 'integer'], {
  helpers: [relativeExp],
});
