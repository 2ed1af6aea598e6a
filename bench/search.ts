/** One step of the search, priced by the sweep and by the naive search it replaces. */
import { Mask } from '../src/model/mask.ts';
import type { Transformer } from '../src/model/transformer.ts';
import { walkOf } from '../src/model/walk.ts';
import { candidatesLeft, type Candidate } from '../src/prune/candidates.ts';
import { sweep } from '../src/prune/pricing/sweep.ts';

/** Every candidate's NLLs [chunk][T − 1]. */
export type Prices = readonly (readonly Float32Array[])[];

export interface Priced {
  prices: Prices;
  /** A pass is one block on one stream of all the chunks. */
  passes: number;
}

export function firstCandidates(model: Transformer): Candidate[] {
  return candidatesLeft('mix', model.config, Mask.empty);
}

/** All candidates in one walk. */
export async function bySweep(
  model: Transformer,
  chunks: readonly Int32Array[],
  candidates: readonly Candidate[],
): Promise<Priced> {
  const walk = sweep(model, chunks, Mask.empty, candidates);
  for (;;) {
    const next = await walk.next();
    if (next.done === true) return { prices: next.value.candidates, passes: next.value.passes };
  }
}

/** The whole network again for every candidate, as the official search does. */
export async function naively(
  model: Transformer,
  chunks: readonly Int32Array[],
  candidates: readonly Candidate[],
): Promise<Priced> {
  const walk = walkOf(model.config).length;
  const prices: Float32Array[][] = [];
  let passes = 0;
  for (const { blocks } of candidates) {
    prices.push(await model.nll(chunks, Mask.empty.with(blocks)));
    passes += walk - blocks.length;
  }
  return { prices, passes };
}

/** @throws Error unless both are the same to the last bit: figures of different answers are not to be compared. */
export function checkSame(found: Prices, expected: Prices): void {
  const same = found.every((rows, candidate) => {
    return rows.every((nll, chunk) => nll.every((value, at) => Object.is(value, expected[candidate][chunk][at])));
  });
  if (!same || found.length !== expected.length) throw new Error('the sweep and the naive search differ.');
}
