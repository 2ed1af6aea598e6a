import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { causalAttention, type AttentionSpec } from '../../src/ops/causalAttention.ts';
import { normals, seeds } from '../arbitraries.ts';

const someSpec: fc.Arbitrary<AttentionSpec> = fc
  .record({
    numKvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 1, max: 20 }).map((half) => half * 2),
    seqLen: fc.integer({ min: 1, max: 12 }),
    past: fc.nat(6),
    window: fc.option(fc.integer({ min: 1, max: 20 })),
  })
  .map(({ group, past, ...rest }) => ({ ...rest, numHeads: rest.numKvHeads * group, keyLen: rest.seqLen + past }));

interface Inputs {
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
}

function draw({ numHeads, numKvHeads, headDim, seqLen, keyLen }: AttentionSpec, seed: number): Inputs {
  const keySize = keyLen * numKvHeads * headDim;
  return {
    q: normals(seed, seqLen * numHeads * headDim),
    k: normals(seed + 1, keySize),
    v: normals(seed + 2, keySize),
  };
}

function attend({ q, k, v }: Inputs, spec: AttentionSpec): Float32Array {
  const out = new Float32Array(q.length);
  causalAttention(out, q, k, v, 1, spec);
  return out;
}

/** Columns of one head, or of a repeated list of heads. */
function pickHeads(x: Float32Array, heads: number, headDim: number, picked: readonly number[]): Float32Array {
  const rows = x.length / (heads * headDim);
  const out: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const head of picked) out.push(...x.slice((row * heads + head) * headDim, (row * heads + head + 1) * headDim));
  }
  return Float32Array.from(out);
}

describe('causalAttention', () => {
  test.prop([someSpec, seeds])(
    'with grouped keys equals repeating each key and value head, bit for bit',
    (spec, seed) => {
      const { q, k, v } = draw(spec, seed);
      const group = spec.numHeads / spec.numKvHeads;
      const repeated = Array.from({ length: spec.numHeads }, (_, head) => Math.floor(head / group));
      const wide = {
        q,
        k: pickHeads(k, spec.numKvHeads, spec.headDim, repeated),
        v: pickHeads(v, spec.numKvHeads, spec.headDim, repeated),
      };
      expect(attend({ q, k, v }, spec)).toEqual(attend(wide, { ...spec, numKvHeads: spec.numHeads }));
    },
  );

  test.prop([someSpec, seeds])('treats heads alone: K = H is one attention a head', (spec, seed) => {
    const even = { ...spec, numKvHeads: spec.numHeads };
    const inputs = draw(even, seed);
    const whole = attend(inputs, even);
    for (let head = 0; head < even.numHeads; head++) {
      const pick = (x: Float32Array): Float32Array => pickHeads(x, even.numHeads, even.headDim, [head]);
      const alone = { q: pick(inputs.q), k: pick(inputs.k), v: pick(inputs.v) };
      expect(attend(alone, { ...even, numHeads: 1, numKvHeads: 1 })).toEqual(pick(whole));
    }
  });

  test.prop([someSpec, seeds])(
    'mixes values: each result lies between the smallest and largest value',
    (spec, seed) => {
      const inputs = draw(spec, seed);
      const low = inputs.v.reduce((a, b) => Math.min(a, b));
      const high = inputs.v.reduce((a, b) => Math.max(a, b));
      for (const value of attend(inputs, spec)) {
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
      }
    },
  );

  test.prop([someSpec, seeds, fc.nat()])(
    'does not see the future: changing key t leaves earlier queries bit-equal',
    (spec, seed, some) => {
      const inputs = draw(spec, seed);
      const t = some % spec.keyLen;
      const keyWidth = spec.numKvHeads * spec.headDim;
      const change = (x: Float32Array): Float32Array =>
        x.map((value, i) => (Math.floor(i / keyWidth) >= t ? 100 - value : value));
      const firstRow = Math.max(0, t - (spec.keyLen - spec.seqLen));
      const before = firstRow * spec.numHeads * spec.headDim;
      const after = attend({ q: inputs.q, k: change(inputs.k), v: change(inputs.v) }, spec);
      expect(after.slice(0, before)).toEqual(attend(inputs, spec).slice(0, before));
    },
  );

  test.prop([someSpec, seeds])('a window of all keys or more is not a window', (spec, seed) => {
    const inputs = draw(spec, seed);
    const unbounded = attend(inputs, { ...spec, window: null });
    expect(attend(inputs, { ...spec, window: spec.keyLen })).toEqual(unbounded);
    expect(attend(inputs, { ...spec, window: spec.keyLen + 5 })).toEqual(unbounded);
  });

  test.prop([someSpec, seeds])('a window of one key is that key’s value', (spec, seed) => {
    const inputs = draw(spec, seed);
    const group = spec.numHeads / spec.numKvHeads;
    const own = Array.from({ length: spec.numHeads }, (_, head) => Math.floor(head / group));
    const values = pickHeads(inputs.v, spec.numKvHeads, spec.headDim, own);
    expect(attend(inputs, { ...spec, window: 1 })).toEqual(values.slice(-inputs.q.length));
  });

  it('weighs equal keys equally: row t is the mean of the values up to t', () => {
    const spec = { numHeads: 1, numKvHeads: 1, headDim: 2, seqLen: 3, keyLen: 3, window: null };
    const v = Float32Array.of(3, 0, 6, 3, 9, 12);
    expect([...attend({ q: normals(1, 6), k: new Float32Array(6), v }, spec)]).toEqual([3, 0, 4.5, 1.5, 6, 5]);
  });

  it('scales scores by √D', () => {
    const spec = { numHeads: 1, numKvHeads: 1, headDim: 4, seqLen: 1, keyLen: 2, window: null };
    const q = Float32Array.of(2 * Math.log(3), 0, 0, 0);
    const k = Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0);
    const v = Float32Array.of(4, 4, 4, 4, 8, 8, 8, 8);
    // Scores ln 3 and 0, weights 3/4 and 1/4.
    for (const value of attend({ q, k, v }, spec)) expect(value).toBeCloseTo(5, 6);
  });
});
