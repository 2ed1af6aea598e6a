/** The planted model's residual stream, coordinate by coordinate; recipe.ts says why it looks like this. */
import type { PlainPass } from '../plainForward.ts';
import { VOCABULARY, type Bigram } from './bigram.ts';

export const WIDTH = 64;
/** Where the constant stands. The coordinates before it say which byte this is. */
export const CONSTANT = 62;
export const CONSTANT_VALUE = 4096;
/** Where s stands. */
export const SUM = 63;

/** The forward pass over `ids` by the closed form. `adds`: what each block adds to s, in 64ths, in the order of the walk. */
export function plantedPass(bigram: Bigram, ids: Uint8Array, adds: Readonly<Record<string, number>>): PlainPass {
  let s = 0;
  const streams = [{ after: 'embedding', x: streamAt(bigram, ids, s) }];
  for (const [after, add] of Object.entries(adds)) {
    s += add / 64;
    streams.push({ after, x: streamAt(bigram, ids, s) });
  }
  const logits = new Float64Array(ids.length * VOCABULARY);
  for (let at = 0; at < logits.length; at++) {
    const [t, next] = [Math.floor(at / VOCABULARY), at % VOCABULARY];
    logits[at] = bigram.lift[ids[t] * VOCABULARY + next] + s * bigram.unigram[next];
  }
  const nll = Float64Array.from(ids.subarray(1), (target, t) => {
    const own = logits.subarray(t * VOCABULARY, (t + 1) * VOCABULARY);
    return Math.log(own.reduce((sum, logit) => sum + Math.exp(logit), 0)) - own[target];
  });
  return { streams, logits, nll };
}

/** [T, WIDTH] while the blocks passed add up to s. */
function streamAt({ bytes }: Bigram, ids: Uint8Array, s: number): Float64Array {
  const x = new Float64Array(ids.length * WIDTH);
  for (const [t, byte] of ids.entries()) {
    x[t * WIDTH + bytes.indexOf(byte)] = 1;
    x[t * WIDTH + CONSTANT] = CONSTANT_VALUE;
    x[t * WIDTH + SUM] = s;
  }
  return x;
}
