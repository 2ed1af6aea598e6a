import { expect, it } from 'vitest';
import { randomGguf, shapes, weightTypes } from '../../../bench/randomGguf.ts';
import { dequantize } from '../../../src/formats/gguf/dequantize.ts';
import { unpermuteHeads } from '../../../src/formats/gguf/headRows.ts';
import { ggufTensorMap } from '../../../src/formats/gguf/tensorMap.ts';
import { openGgufWeights } from '../../../src/formats/gguf/weightSource.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { expectSameBits } from '../../contract/compare.ts';

/** Matrices of 2 MiB and more, q among them, whose rows are put in order by heads. */
const shape = { ...shapes.tinyllama, layers: 1, hidden: 1536, intermediate: 1600, heads: 8, kvHeads: 2, vocab: 1500 };

it.each(weightTypes)('a large matrix of type %s is read in pieces, to the values of the whole', async (type) => {
  const parts: Uint8Array[] = [];
  for await (const part of randomGguf({ shape, type, seed: 2, vocabulary: false })) parts.push(part);
  const whole = memoryBytes('large', Buffer.concat(parts));
  const lengths: number[] = [];
  const { weights, file } = await openGgufWeights({
    ...whole,
    read(offset, length) {
      lengths.push(length);
      return whole.read(offset, length);
    },
  });
  for (const [canonical, place] of ggufTensorMap(weights.config)) {
    const stored = file.tensors.get(place.name);
    if (stored === undefined) throw new Error(`${place.name} is missing`);
    const values = dequantize(stored.type, await whole.read(stored.offset, stored.bytes));
    const [rows, width = 1] = place.shape;
    const expected = place.permutedHeads === 0 ? values : unpermuteHeads(values, place.permutedHeads, width);
    lengths.length = 0;
    expectSameBits(await weights.tensor(canonical), expected);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2 ** 20);
    if (place.shape.length === 1) continue;
    const [from, to] = [Math.floor(rows / 7), Math.ceil(rows * 0.9)];
    expectSameBits(await weights.rows(canonical, from, to), expected.subarray(from * width, to * width));
  }
});
