/**
 * Grouped-query causal attention in five kernels: scores, the highest score of each query, weights e^(score − highest),
 * their sum, and the mix of values. The scores of some rows at a time stand in memory (see ../attention.ts): a gather-only
 * kernel that mixed values without them would compute each score once for each of the D numbers of a head.
 *
 * Shapes: q [rows, H·D], k and v [n·keyLen, K·D]. Scores and weights are [rows · H, keyLen], row t's head h in row t·H + h.
 * `from` is the first of the rows that are computed: a row's number modulo seqLen says where in its sequence it is.
 */
import type { KernelThread, Program } from './kernel.ts';
import { quotient } from './math.ts';

/** q · k / √D, and −3e38 for keys that the query does not see. */
function scoreKeys(
  this: KernelThread,
  q: number[],
  qAt: number,
  k: number[],
  kAt: number,
  heads: number,
  keyHeads: number,
  headDim: number,
  from: number,
  seqLen: number,
  keyLen: number,
  window: number,
): number {
  const row = from + quotient(this.thread.y, heads);
  const sequence = quotient(row, seqLen);
  const position = keyLen - seqLen + row - seqLen * sequence;
  if (this.thread.x > position) return -3e38;
  if (this.thread.x + window <= position) return -3e38;
  const keyHead = quotient((this.thread.y - heads * quotient(this.thread.y, heads)) * keyHeads, heads);
  let sum = 0;
  for (let i = 0; i < headDim; i++) {
    sum +=
      q[qAt + (from * heads + this.thread.y) * headDim + i] *
      k[kAt + (((sequence | 0) * keyLen + this.thread.x) * keyHeads + (keyHead | 0)) * headDim + i];
  }
  return sum / Math.sqrt(headDim);
}

export const scoresProgram: Program = {
  source: scoreKeys,
  takes: [
    'array',
    'integer',
    'array',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
  ],
  helpers: [quotient],
};

function rowHighest(this: KernelThread, x: number[], n: number): number {
  let highest = x[this.thread.y * n];
  for (let i = 1; i < n; i++) highest = Math.max(highest, x[this.thread.y * n + i]);
  return highest;
}

export const rowHighestProgram: Program = { source: rowHighest, takes: ['array', 'integer'] };

/** e^(score − highest); 0 for keys that are not seen. */
function weighScores(this: KernelThread, scores: number[], highest: number[], n: number): number {
  if (scores[this.thread.y * n + this.thread.x] < -2e38) return 0;
  return Math.exp(scores[this.thread.y * n + this.thread.x] - highest[this.thread.y]);
}

export const weightsProgram: Program = { source: weighScores, takes: ['array', 'array', 'integer'] };

function rowTotal(this: KernelThread, x: number[], n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += x[this.thread.y * n + i];
  return sum;
}

export const rowTotalProgram: Program = { source: rowTotal, takes: ['array', 'integer'] };

/** Σ_j weight_j v_j / Σ_j weight_j over the keys that row t sees. */
function mixValues(
  this: KernelThread,
  weights: number[],
  totals: number[],
  v: number[],
  vAt: number,
  heads: number,
  keyHeads: number,
  headDim: number,
  from: number,
  seqLen: number,
  keyLen: number,
  window: number,
): number {
  const head = quotient(this.thread.x, headDim);
  const keyHead = quotient(head * keyHeads, heads);
  const i = this.thread.x - headDim * head;
  const row = from + this.thread.y;
  const sequence = quotient(row, seqLen);
  const position = keyLen - seqLen + row - seqLen * sequence;
  const first = Math.max(position - window + 1, 0);
  let sum = 0;
  for (let j = 0; j + (first | 0) <= (position | 0); j++) {
    sum +=
      weights[(this.thread.y * heads + (head | 0)) * keyLen + (first | 0) + j] *
      v[vAt + (((sequence | 0) * keyLen + (first | 0) + j) * keyHeads + (keyHead | 0)) * headDim + (i | 0)];
  }
  return sum / totals[this.thread.y * heads + (head | 0)];
}

export const mixProgram: Program = {
  source: mixValues,
  takes: [
    'array',
    'array',
    'array',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
    'integer',
  ],
  helpers: [quotient],
};
