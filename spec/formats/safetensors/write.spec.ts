import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { ShapeError } from '../../../src/errors.ts';
import { decodeFloats } from '../../../src/formats/safetensors/dtypes.ts';
import { parseSafetensors } from '../../../src/formats/safetensors/parse.ts';
import { serializeSafetensors } from '../../../src/formats/safetensors/write.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { someTensors } from './safetensorsArbitraries.ts';

test.prop([someTensors], { numRuns: 1000 })('parse(serialize(x)) = x', async (tensors) => {
  const source = memoryBytes('m', serializeSafetensors(tensors));
  const file = await parseSafetensors(source);
  expect(new Set(file.tensors.keys())).toEqual(new Set(tensors.keys()));
  expect([...file.metadata]).toEqual([['format', 'pt']]);
  for (const [name, tensor] of file.tensors) {
    const { shape, dtype, data } = tensors.get(name) ?? {};
    expect(tensor.shape).toEqual(shape);
    expect(tensor.dtype).toBe(dtype);
    // The bits, so that −0 is not 0.
    const read = decodeFloats(tensor.dtype, await source.read(tensor.offset, tensor.bytes), name);
    expect(Buffer.from(read.buffer)).toEqual(Buffer.from(data?.buffer ?? new ArrayBuffer(0)));
    expect(tensor.offset % (dtype === 'F32' ? 4 : 2)).toBe(0);
  }
});

test.prop([fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))])(
  'metadata comes back',
  async (metadata) => {
    const entries = new Map(Object.entries(metadata));
    const { metadata: read } = await parseSafetensors(memoryBytes('m', serializeSafetensors(new Map(), entries)));
    expect(read).toEqual(entries);
  },
);

test('the header is padded to eight bytes with spaces, and the layout is the documented one', () => {
  const file = serializeSafetensors(new Map([['w', { shape: [2], dtype: 'BF16', data: Float32Array.of(1, -1) }]]));
  const headerLength = Number(new DataView(file.buffer).getBigUint64(0, true));
  expect(headerLength % 8).toBe(0);
  expect(new TextDecoder().decode(file.subarray(8, 8 + headerLength)).trimEnd()).toBe(
    '{"__metadata__":{"format":"pt"},"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}',
  );
  expect([...file.subarray(8 + headerLength)]).toEqual([0x80, 0x3f, 0x80, 0xbf]);
});

test('values that do not fit the shape are refused by name', () => {
  const tensors = new Map([['w', { shape: [3], dtype: 'F32' as const, data: new Float32Array(2) }]]);
  expect(() => serializeSafetensors(tensors)).toThrow(/^w: shape \[3\] needs 3 values, there are 2/);
  const reserved = new Map([['__metadata__', { shape: [], dtype: 'F32' as const, data: new Float32Array(1) }]]);
  expect(() => serializeSafetensors(reserved)).toThrow(ShapeError);
});
