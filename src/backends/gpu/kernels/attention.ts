/**
 * Grouped-query causal attention in five kernels: scores, the highest score of each query, weights
 * e^(score − highest), their sum, and the mix of values. The scores of some rows at a time stand in
 * memory (see ../attention.ts): a gather-only kernel that mixed values without them would compute
 * each score once for each of the D numbers of a head.
 *
 * Shapes: q [rows, H·D], k and v [n·keyLen, K·D]. Scores and weights are [rows · H, keyLen], row
 * t's head h in row t·H + h. `from` is the first of the rows that are computed: a row's number
 * modulo seqLen says where in its sequence it is.
 */
import { program, type KernelThread, type Program } from './kernel.ts';
import { quotient } from './math.ts';

/**
 * q · k / √D, and −3e38 for keys that the query does not see. Of a product beyond ±1e38, where f32
 * ends, only the sign is kept (3e38 or −2.5e38): it is taken again with both factors times 2⁻⁷⁵.
 */
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
  if (sum > -1e38) {
    if (sum < 1e38) return sum / Math.sqrt(headDim);
  }
  let small = 0;
  for (let m = 0; m < headDim; m++) {
    small +=
      q[qAt + (from * heads + this.thread.y) * headDim + m] *
      2.6469779601696886e-23 *
      (k[kAt + (((sequence | 0) * keyLen + this.thread.x) * keyHeads + (keyHead | 0)) * headDim + m] *
        2.6469779601696886e-23);
  }
  if (small < 0) return -2.5e38;
  return 3e38;
}

export const scoresProgram: Program = program(
  scoreKeys,
  ['array', 'integer', 'array', 'integer', 'integer', 'integer', 'integer', 'integer', 'integer', 'integer', 'integer'],
  { helpers: [quotient] },
);

function rowHighest(this: KernelThread, x: number[], n: number): number {
  let highest = x[this.thread.y * n];
  for (let i = 1; i < n; i++) highest = Math.max(highest, x[this.thread.y * n + i]);
  return highest;
}

export const rowHighestProgram: Program = program(rowHighest, ['array', 'integer']);

/**
 * e^(score − highest); 0 for keys that are not seen. Where the highest score is beyond f32, its key
 * has all the weight: any two such scores that differ do so by far more than e^x has numbers for.
 */
function weighScores(
  this: KernelThread,
  scores: number[],
  highest: number[],
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
): number {
  const own = scores[this.thread.y * keyLen + this.thread.x];
  if (highest[this.thread.y] > -1e38) {
    if (highest[this.thread.y] < 1e38) {
      if (own < -2e38) return 0;
      return Math.exp(own - highest[this.thread.y]);
    }
  }
  if (own < -2.9e38) return 0;
  const sequence = quotient(from + quotient(this.thread.y, heads), seqLen);
  const keyHead = quotient((this.thread.y - heads * quotient(this.thread.y, heads)) * keyHeads, heads);
  let most = -3e38;
  let ownSmall = 0;
  for (let j = 0; j < keyLen; j++) {
    if (scores[this.thread.y * keyLen + j] > -2.9e38) {
      let small = 0;
      for (let m = 0; m < headDim; m++) {
        small +=
          q[qAt + (from * heads + this.thread.y) * headDim + m] *
          2.6469779601696886e-23 *
          (k[kAt + (((sequence | 0) * keyLen + j) * keyHeads + (keyHead | 0)) * headDim + m] * 2.6469779601696886e-23);
      }
      if (small > most) most = small;
      if (j === this.thread.x) ownSmall = small;
    }
  }
  if (ownSmall < most) return 0;
  if (ownSmall >= most) return 1;
  return ownSmall;
}

export const weightsProgram: Program = program(
  weighScores,
  [
    'array',
    'array',
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
  ],
  { helpers: [quotient] },
);

function rowTotal(this: KernelThread, x: number[], n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += x[this.thread.y * n + i];
  return sum;
}

export const rowTotalProgram: Program = program(rowTotal, ['array', 'integer']);

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
  if (sum > -1e38) {
    if (sum < 1e38) return sum / totals[this.thread.y * heads + (head | 0)];
  }
  // The sum leaves f32's range; the mean does not.
  let mean = 0;
  for (let m = 0; m + (first | 0) <= (position | 0); m++) {
    mean +=
      (weights[(this.thread.y * heads + (head | 0)) * keyLen + (first | 0) + m] /
        totals[this.thread.y * heads + (head | 0)]) *
      v[vAt + (((sequence | 0) * keyLen + (first | 0) + m) * keyHeads + (keyHead | 0)) * headDim + (i | 0)];
  }
  return mean;
}

export const mixProgram: Program = program(
  mixValues,
  ['array', 'array', 'array', 'integer', 'integer', 'integer', 'integer', 'integer', 'integer', 'integer', 'integer'],
  { helpers: [quotient] },
);
