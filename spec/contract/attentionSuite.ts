import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { AttentionSpec, Backend } from '../../src/backends/backend.ts';
import { ropeTable } from '../../src/ops/ropeTable.ts';
import { normals, seeds } from '../arbitraries.ts';
import { attentionSpec } from './caseTable.ts';
import { expectSameBits } from './compare.ts';

/** Windows of more keys than a kernel adds up in one go, beginning anywhere in the sequence. */
const longSpec: fc.Arbitrary<AttentionSpec> = fc
  .record({
    seqLen: fc.integer({ min: 1, max: 14 }),
    keyLen: fc.integer({ min: 300, max: 600 }),
    window: fc.integer({ min: 250, max: 560 }),
  })
  .map((lengths) => ({ numHeads: 1, numKvHeads: 1, headDim: 4, ...lengths }));

/**
 * What the KV cache and the masking of blocks rely on: continuing a sequence gives the same bits as
 * starting over.
 */
export function attentionSuite(backend: () => Backend): void {
  describe('continuing from a KV cache', () => {
    test.prop([attentionSpec, seeds])(
      'attention of the last rows alone is bit-equal to the last rows of all',
      async (spec, seed) => {
        const { q, k, v, length, width } = drawSequence(spec, seed);
        const whole = await attend(backend(), { ...spec, seqLen: length, keyLen: length }, q, k, v);
        const last = await attend(backend(), spec, q.slice((length - spec.seqLen) * width), k, v);
        expectSameBits(last, whole.slice((length - spec.seqLen) * width));
      },
    );

    test.prop([longSpec, seeds], { numRuns: 10 })(
      'so it is under a window of hundreds of keys, wherever that begins',
      async (spec, seed) => {
        const { q, k, v, length, width } = drawSequence(spec, seed);
        const whole = await attend(backend(), { ...spec, seqLen: length, keyLen: length }, q, k, v);
        const last = await attend(backend(), spec, q.slice((length - spec.seqLen) * width), k, v);
        expectSameBits(last, whole.slice((length - spec.seqLen) * width));
      },
    );

    test.prop([attentionSpec, seeds])(
      'keys and values appended to a longer slot act as their array',
      async (spec, seed) => {
        const { q, k, v, length, width } = drawSequence(spec, seed);
        const keyWidth = spec.numKvHeads * spec.headDim;
        const queries = q.slice((length - spec.seqLen) * width);
        const expected = await attend(backend(), spec, queries, k, v);
        const slots = [k, v].map((data) => {
          const slot = backend().allocate(length + 3, keyWidth);
          const scope = backend().scope();
          const rows = scope.upload(data, length, keyWidth);
          const split = length - spec.seqLen;
          if (split > 0) backend().writeRows(slot, 0, scope.view(rows, 0, split));
          backend().writeRows(slot, split, scope.view(rows, split, length));
          scope.close();
          return slot;
        });
        const scope = backend().scope();
        const [keys, values] = slots.map((slot) => scope.view(slot, 0, length));
        const out = scope.attention(scope.upload(queries, spec.seqLen, width), keys, values, spec);
        expectSameBits(await backend().download(out), expected);
        scope.close();
        for (const slot of slots) backend().free(slot);
      },
    );

    test.prop([fc.integer({ min: 1, max: 20 }), fc.nat(9), seeds])(
      'rope from a later start is bit-equal to the last rows of all',
      async (seqLen, start, seed) => {
        const [heads, headDim] = [2, 10];
        const length = start + seqLen;
        const table = ropeTable({ theta: 500, scaling: { type: 'default' } }, headDim, length + 2);
        const scope = backend().scope();
        const device = {
          cos: scope.upload(table.cos, length + 2, headDim / 2),
          sin: scope.upload(table.sin, length + 2, headDim / 2),
        };
        const x = scope.upload(normals(seed, length * heads * headDim), length, heads * headDim);
        const whole = scope.rope(x, device, { heads, headDim, seqLen: length, start: 0 });
        const last = scope.rope(scope.view(x, start, length), device, { heads, headDim, seqLen, start });
        const tail = await backend().download(scope.view(whole, start, length));
        expectSameBits(await backend().download(last), tail);
        scope.close();
      },
    );
  });

  test.prop([attentionSpec, seeds])('a window over all keys is not a window, bit for bit', async (spec, seed) => {
    const { q, k, v, length, width } = drawSequence(spec, seed);
    const queries = q.slice((length - spec.seqLen) * width);
    const wide = await attend(backend(), { ...spec, window: spec.keyLen }, queries, k, v);
    expectSameBits(wide, await attend(backend(), { ...spec, window: null }, queries, k, v));
  });

  test.prop([attentionSpec, seeds, fc.nat()])(
    'a change of token t leaves bit-equal the rows before t, and those whose window it has left',
    async (spec, seed, some) => {
      const { q, k, v, length, width } = drawSequence(spec, seed);
      const t = some % length;
      const all = { ...spec, seqLen: length, keyLen: length };
      const before = await attend(backend(), all, q, k, v);
      const [changedQ, changedK, changedV] = [q, k, v].map((data) => {
        const cols = data.length / length;
        return data.map((value, index) => (Math.floor(index / cols) === t ? 1e4 - value : value));
      });
      const after = await attend(backend(), all, changedQ, changedK, changedV);
      const blind = t + (spec.window ?? length);
      expectSameBits(after.slice(0, t * width), before.slice(0, t * width));
      expectSameBits(after.slice(blind * width), before.slice(blind * width));
      expect(after.slice(t * width, (t + 1) * width)).not.toEqual(before.slice(t * width, (t + 1) * width));
    },
  );
}

/** q, k and v of one whole sequence of keyLen positions. */
function drawSequence(
  { numHeads, numKvHeads, headDim, keyLen: length }: AttentionSpec,
  seed: number,
): { q: Float32Array; k: Float32Array; v: Float32Array; length: number; width: number } {
  const width = numHeads * headDim;
  const all = normals(seed, length * (width + 2 * numKvHeads * headDim));
  const [q, rest] = [all.slice(0, length * width), all.slice(length * width)];
  return { q, k: rest.slice(0, rest.length / 2), v: rest.slice(rest.length / 2), length, width };
}

async function attend(
  backend: Backend,
  spec: AttentionSpec,
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
): Promise<Float32Array> {
  const scope = backend.scope();
  const keyWidth = spec.numKvHeads * spec.headDim;
  const out = scope.attention(
    scope.upload(q, spec.seqLen, spec.numHeads * spec.headDim),
    scope.upload(k, spec.keyLen, keyWidth),
    scope.upload(v, spec.keyLen, keyWidth),
    spec,
  );
  const result = await backend.download(out);
  scope.close();
  return result;
}
