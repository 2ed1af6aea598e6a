import { gguf, GGUFValueType, GGMLQuantizationType } from '@huggingface/gguf';
import { fc, test } from '@fast-check/vitest';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ShapeError } from '../../../src/errors.ts';
import { parseGguf } from '../../../src/formats/gguf/parse.ts';
import { quantTypes } from '../../../src/formats/gguf/quantTypes.ts';
import { valueTypes, type GgufType, type GgufValue } from '../../../src/formats/gguf/valueTypes.ts';
import { serializeGguf, streamGguf } from '../../../src/formats/gguf/write.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { tinyModel, typed } from './fixtures.ts';
import { metadataMaps, tensorMaps } from './values.ts';

const none = new Map<string, never>();

describe('serializeGguf', () => {
  test.prop([metadataMaps, tensorMaps], { numRuns: 500 })('is undone by parseGguf', async (metadata, tensors) => {
    const bytes = serializeGguf({ metadata, tensors });
    const source = memoryBytes('x.gguf', bytes);
    const file = await parseGguf(source);
    expect(file.version).toBe(3);
    expect([...file.metadata]).toEqual([...metadata].map(([key, { value }]) => [key, value]));
    expect([...file.types]).toEqual([...metadata].map(([key, { type }]) => [key, type]));
    expect([...file.tensors.keys()]).toEqual([...tensors.keys()]);
    for (const [name, tensor] of tensors) {
      const stored = file.tensors.get(name);
      expect(stored).toMatchObject({ type: tensor.type, dims: tensor.dims, bytes: tensor.bytes.length });
      expect(await source.read(stored?.offset ?? -1, tensor.bytes.length)).toEqual(tensor.bytes);
      expect((stored?.offset ?? NaN) % file.alignment).toBe(0);
    }
    expect(bytes.length % file.alignment).toBe(0);
  });

  it.each<[GgufType, GgufValue]>([
    ['u8', 256],
    ['i8', -129],
    ['u32', -1],
    ['u32', 1.5],
    ['i32', NaN],
    ['u32', '1'],
    ['u64', -1],
    ['u64', 2n ** 64n],
    ['i64', 2n ** 63n],
    ['u64', 2 ** 60],
    ['bool', 1],
    ['string', 1],
    [{ array: 'u8' }, 1],
    [{ array: 'u8' }, [1, 300]],
    [{ array: 'string' }, Float32Array.of(1)],
    [{ array: { array: 'f32' } }, [1]],
  ])('refuses to store as %j what that type does not hold', (type, value) => {
    expect(() => serializeGguf({ metadata: new Map([['key', typed(type, value)]]), tensors: none })).toThrow(
      ShapeError,
    );
  });

  it.each([
    { dims: [4], size: 12 },
    { dims: [], size: 4 },
    { dims: [1, 1, 1, 1, 1], size: 4 },
    { dims: [0], size: 0 },
  ])('refuses an F32 tensor $dims of $size bytes', ({ dims, size }) => {
    const tensors = new Map([['t', { type: quantTypes.F32, dims, bytes: new Uint8Array(size) }]]);
    expect(() => serializeGguf({ metadata: none, tensors })).toThrow(ShapeError);
  });

  it('refuses rows that cut a block', () => {
    const tensors = new Map([['t', { type: quantTypes.Q8_0, dims: [16, 2], bytes: new Uint8Array(34) }]]);
    expect(() => serializeGguf({ metadata: none, tensors })).toThrow(ShapeError);
  });
});

describe('streamGguf', () => {
  const collect = async (pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
    const all: Uint8Array[] = [];
    for await (const piece of pieces) all.push(piece);
    return Uint8Array.from(all.flatMap((piece) => [...piece]));
  };

  test.prop([metadataMaps, tensorMaps, fc.integer({ min: 1, max: 300 })], { numRuns: 200 })(
    'gives the bytes of serializeGguf, however the tensors are cut, and asks for one tensor at a time',
    async (metadata, tensors, size) => {
      const asked: string[] = [];
      function* piecesOf(name: string): Generator<Uint8Array> {
        asked.push(name);
        const bytes = tensors.get(name)?.bytes ?? new Uint8Array();
        for (let at = 0; at < bytes.length; at += size) {
          yield bytes.subarray(at, at + size);
          expect(asked.at(-1)).toBe(name);
        }
      }
      const shapes = new Map([...tensors].map(([name, { type, dims }]) => [name, { type, dims }]));
      expect(await collect(streamGguf({ metadata, tensors: shapes }, piecesOf))).toEqual(
        serializeGguf({ metadata, tensors }),
      );
      expect(asked).toEqual([...tensors.keys()]);
    },
  );

  it.each([0, 4, 12])('refuses %i bytes for a tensor of 8', async (size) => {
    const tensors = new Map([['t', { type: quantTypes.F32, dims: [2] }]]);
    await expect(collect(streamGguf({ metadata: none, tensors }, () => [new Uint8Array(size)]))).rejects.toThrow(
      ShapeError,
    );
  });
});

describe('an independent reader, @huggingface/gguf,', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gguf-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const readBack = (bytes: Uint8Array): ReturnType<typeof readTyped> => {
    const path = join(folder, 'model.gguf');
    writeFileSync(path, bytes);
    return readTyped(path);
  };
  const readTyped = (path: string) => gguf(path, { allowLocalFile: true, typedMetadata: true });

  it('knows the value types and tensor types by the same numbers', () => {
    const long: Record<string, string> = { u: 'UINT', i: 'INT', f: 'FLOAT' };
    for (const [id, name] of valueTypes.entries()) {
      const theirs = name.replace(/^([uif])(?=\d)/, (letter) => long[letter]).toUpperCase();
      expect(GGUFValueType[id]).toBe(theirs);
    }
    for (const { id, name } of Object.values(quantTypes)) expect(GGMLQuantizationType[id]).toBe(name);
  });

  it.each(['llama', 'qwen2', 'qwen3', 'gpt2'] as const)('reads a model of arch %s as we do', async (arch) => {
    const model = tinyModel(arch);
    const bytes = serializeGguf(model);
    const [theirs, ours] = [await readBack(bytes), await parseGguf(memoryBytes('x', bytes))];
    expect(theirs.tensorDataOffset).toBe(BigInt(ours.dataOffset));
    expect(theirs.tensorInfos.map(({ name }) => name)).toEqual([...ours.tensors.keys()]);
    for (const info of theirs.tensorInfos) {
      const tensor = ours.tensors.get(info.name);
      expect(info.shape.map(Number)).toEqual(tensor?.dims);
      expect(info.dtype).toBe(tensor?.type.id);
      expect(Number(info.offset + theirs.tensorDataOffset)).toBe(tensor?.offset);
    }
    const metadata = new Map(Object.entries(theirs.metadata).filter(([key]) => key.includes('.')));
    expect([...metadata.keys()]).toEqual([...ours.metadata.keys()]);
    for (const [key, value] of ours.metadata) expect(metadata.get(key)).toEqual(withoutMarks(plain(value)));
  });

  test.prop([metadataMaps.map((map) => [...map.values()])], { numRuns: 60 })(
    'reads any metadata as it was written',
    async (values) => {
      const metadata = new Map(values.map((value, i) => [`key.${i}`, value]));
      const theirs = await readBack(serializeGguf({ metadata, tensors: none }));
      for (const [key, { value }] of metadata) {
        expect(plain((theirs.metadata as Record<string, unknown>)[key])).toEqual(withoutMarks(plain(value)));
      }
    },
  );

  /** Their reader drops a byte order mark at the start of a string. */
  const withoutMarks = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(/^\uFEFF/, '');
    return Array.isArray(value) ? value.map(withoutMarks) : value;
  };

  /** Their 64-bit integers are bigints; arrays are plain. */
  const plain = (value: unknown): unknown => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    return typeof value === 'object' && value !== null ? Array.from(value as Iterable<unknown>, plain) : value;
  };
});
