import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { unpermuteHeads } from '../../../src/formats/gguf/headRows.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { rope } from '../../../src/ops/rope.ts';
import { ropeTable } from '../../../src/ops/ropeTable.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { normals, seeds } from '../../arbitraries.ts';
import { f32Tensor, tiny, tinyModel, type TinyArch } from './fixtures.ts';

/** [heads, 2, D/2] rows swapped to [heads, D/2, 2], as the converter writes them. */
function interleave(ours: Float32Array, heads: number, width: number): Float32Array {
  const file = new Float32Array(ours.length);
  const half = ours.length / width / heads / 2;
  for (let head = 0; head < heads; head++) {
    for (let j = 0; j < 2; j++) {
      for (let i = 0; i < half; i++) {
        const row = (head * 2 + j) * half + i;
        file.set(ours.subarray(row * width, (row + 1) * width), ((head * half + i) * 2 + j) * width);
      }
    }
  }
  return file;
}

const halves = fc.integer({ min: 1, max: 9 });

describe('unpermuteHeads', () => {
  test.prop([fc.integer({ min: 1, max: 4 }), halves, fc.integer({ min: 1, max: 5 }), seeds])(
    'undoes what the converter does',
    (heads, half, width, seed) => {
      const ours = normals(seed, heads * 2 * half * width);
      expect(unpermuteHeads(interleave(ours, heads, width), heads, width)).toEqual(ours);
    },
  );

  test.prop([halves, fc.nat(20), seeds])(
    'turning neighbours in the file’s order is turning halves in ours',
    (half, position, seed) => {
      const headDim = 2 * half;
      const file = normals(seed, headDim);
      const { cos, sin } = ropeTable({ theta: 100, scaling: { type: 'default' } }, headDim, position + 1);
      const turned = file.map((value, at) => {
        const [c, s] = [cos[position * half + (at >> 1)], sin[position * half + (at >> 1)]];
        return at % 2 === 0 ? value * c - file[at + 1] * s : value * c + file[at - 1] * s;
      });
      const ours = unpermuteHeads(file, 1, 1);
      rope(ours, ours, cos, sin, 1, { heads: 1, headDim, seqLen: 1, start: position });
      expect(ours).toEqual(unpermuteHeads(turned, 1, 1));
    },
  );

  it('rows 0 … 5 of the file are rows 0, 3, 1, 4, 2, 5 of a head of six', () => {
    expect([...unpermuteHeads(Float32Array.of(0, 3, 1, 4, 2, 5), 1, 1)]).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('a GGUF model', () => {
  it.each<[TinyArch, boolean]>([
    ['llama', true],
    ['qwen2', false],
    ['qwen3', false],
  ])('of arch %s: q and k are interleaved in the file: %s; v never is', async (arch, interleaved) => {
    const { metadata, tensors } = tinyModel(arch);
    const size = { q: tiny.heads, k: tiny.kvHeads, v: tiny.kvHeads };
    const ours = new Map<string, Float32Array>();
    for (const [name, heads] of Object.entries(size)) {
      const rows = heads * tiny.headDim;
      const data = normals(heads, rows * tiny.hidden);
      ours.set(name, data);
      const stored = interleaved && name !== 'v' ? interleave(data, heads, tiny.hidden) : data;
      tensors.set(`blk.1.attn_${name}.weight`, f32Tensor([tiny.hidden, rows], stored));
    }
    const { weights } = await openGgufWeights(memoryBytes('x.gguf', serializeGguf({ metadata, tensors })));
    for (const [name, data] of ours) {
      expect(await weights.tensor(`model.layers.1.self_attn.${name}_proj.weight`), name).toEqual(data);
    }
  });
});
