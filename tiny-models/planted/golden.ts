import { traceOf, type Trace } from '../trace.ts';
import { bigramOf, type Bigram } from './bigram.ts';
import { CHUNK, perplexityAt, slopeAt } from './closedForm.ts';
import { settled } from './settled.ts';
import { plantedPass } from './stream.ts';

/** golden.json: what a search on this model must find, from the closed form. */
export interface Golden {
  model: 'planted';
  data: 'tiny-models/data/tiny.txt';
  convention: { chunk: number; bos: 'none'; aggregation: 'mean of chunk means' };
  /** What each block adds to s, in 64ths, in the order in which a token passes them. */
  adds: Readonly<Record<string, number>>;
  /** All blocks in the order of removal. */
  order: readonly string[];
  /** On the whole text, and on its start for slow backends (`--tokens`). Perplexities to seven decimals. */
  scores: readonly GoldenScores[];
  /** The dense model's pass over the first `tokens` tokens, block by block. */
  trace: Trace & { tokens: number };
}

export interface GoldenScores {
  tokens: number;
  chunks: number;
  dense: number;
  /** After each removal of `order`. */
  after: readonly number[];
  /** Without one block, by its name. */
  candidates: Readonly<Record<string, number>>;
}

/** Chunks of the short measurement. */
const START = 2;
const TRACED = 64;
/** The NLL's slope at the dense model is this or steeper, so that 1/64 of s is worth 6·10⁻⁴ nats or more. */
const FLATTEST = -0.04;
const PERPLEXITY_STEPS = 1e7;
const NLL_STEPS = 1e7;

/** @throws when the proof does not hold for the text or for a start of it. */
export function goldenOf(text: Uint8Array, adds: Readonly<Record<string, number>>): Golden {
  const bigram = bigramOf(text);
  const whole = Math.floor(text.length / CHUNK);
  for (let chunks = 1; chunks <= whole; chunks++) {
    const slope = slopeAt(sumOf(adds), bigram, text, chunks);
    if (!(slope <= FLATTEST))
      throw new Error(`the NLL of the first ${chunks} chunks has slope ${slope} at the dense model.`);
  }
  const order = removalOrder(adds);
  return {
    model: 'planted',
    data: 'tiny-models/data/tiny.txt',
    convention: { chunk: CHUNK, bos: 'none', aggregation: 'mean of chunk means' },
    adds,
    order,
    scores: [whole, START].map((chunks) => scores(bigram, text, chunks, adds, order)),
    trace: { tokens: TRACED, ...trace(bigram, text.subarray(0, TRACED), adds) },
  };
}

function trace(bigram: Bigram, ids: Uint8Array, adds: Readonly<Record<string, number>>): Trace {
  const pass = plantedPass(bigram, ids, adds);
  // All but these are sums, products and square roots, which are the same everywhere.
  return traceOf({ ...pass, nll: pass.nll.map((nats) => settled(nats, NLL_STEPS)) });
}

/** Smallest first; equal ones as candidates are tried: all MHA by layer, then all MLP by layer. */
function removalOrder(adds: Readonly<Record<string, number>>): string[] {
  const names = Object.keys(adds);
  const tried = [...names.filter((name) => name.endsWith('mha')), ...names.filter((name) => name.endsWith('mlp'))];
  return tried.toSorted((a, b) => adds[a] - adds[b]);
}

function scores(
  bigram: Bigram,
  text: Uint8Array,
  chunks: number,
  adds: Readonly<Record<string, number>>,
  order: readonly string[],
): GoldenScores {
  const without = (removed: readonly string[]): number => {
    const left = Object.entries(adds).filter(([name]) => !removed.includes(name));
    return settled(perplexityAt(sumOf(Object.fromEntries(left)), bigram, text, chunks), PERPLEXITY_STEPS);
  };
  return {
    tokens: chunks * CHUNK,
    chunks,
    dense: without([]),
    after: order.map((_, index) => without(order.slice(0, index + 1))),
    candidates: Object.fromEntries(Object.keys(adds).map((name) => [name, without([name])])),
  };
}

/** s, from 64ths. */
function sumOf(adds: Readonly<Record<string, number>>): number {
  return Object.values(adds).reduce((sum, add) => sum + add, 0) / 64;
}
