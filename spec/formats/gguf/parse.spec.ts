import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../../src/errors.ts';
import { parseGguf, type GgufFile } from '../../../src/formats/gguf/parse.ts';
import { quantTypes } from '../../../src/formats/gguf/quantTypes.ts';
import { serializeGguf } from '../../../src/formats/gguf/write.ts';
import { GgufWriter } from '../../../src/formats/gguf/writer.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { watchedSource } from '../hostile.ts';
import { f32Tensor, tinyModel, typed } from './fixtures.ts';

const MAGIC = 0x46554747;

const parse = (bytes: Uint8Array): Promise<GgufFile> => parseGguf(memoryBytes('x.gguf', bytes));

/** A header made by hand, so that it can be wrong; padded, with 256 bytes of data. */
function handmade(
  build: (writer: GgufWriter) => void,
  { magic = MAGIC, version = 3, tensors = 0, keys = 0, data = 256 } = {},
): Uint8Array {
  const writer = new GgufWriter();
  writer.u32(magic);
  writer.u32(version);
  writer.u64(tensors);
  writer.u64(keys);
  build(writer);
  const head = writer.finish();
  const bytes = new Uint8Array(Math.ceil(head.length / 32) * 32 + data);
  bytes.set(head);
  return bytes;
}

function tensorInfo(writer: GgufWriter, name: string, dims: readonly number[], type = 0, offset = 0): void {
  writer.string(name);
  writer.u32(dims.length);
  for (const size of dims) writer.u64(size);
  writer.u32(type);
  writer.u64(offset);
}

describe('parseGguf', () => {
  it.each([2, 3])('reads version %i', async (version) => {
    const file = await parse(handmade((writer) => tensorInfo(writer, 'a', [4, 2], 0, 32), { version, tensors: 1 }));
    expect(file).toMatchObject({ name: 'x.gguf', version, alignment: 32, dataOffset: 96 });
    expect(file.tensors.get('a')).toEqual({ name: 'a', type: quantTypes.F32, dims: [4, 2], offset: 128, bytes: 32 });
  });

  it('keeps numbers of arrays in typed arrays, and a byte order mark in its string', async () => {
    const { metadata } = await parse(serializeGguf(tinyModel('llama')));
    expect(metadata.get('tokenizer.ggml.scores')).toEqual(Float32Array.of(0, -1.5, 2));
    expect(metadata.get('tokenizer.ggml.tokens')).toEqual(['<s>', '\u{FEFF}', 'ä']);
  });

  it('reads a long header in growing windows and none of the data', async () => {
    const tokens = Array.from({ length: 150_000 }, (_, id) => `token ${id}`);
    const metadata = new Map([['tokenizer.ggml.tokens', typed({ array: 'string' }, tokens)]]);
    const tensors = new Map([['a', f32Tensor([1 << 21], new Float32Array(1 << 21))]]);
    const source = watchedSource(serializeGguf({ metadata, tensors }));
    const file = await parseGguf(source);
    expect(file.metadata.get('tokenizer.ggml.tokens')).toEqual(tokens);
    expect(source.reads.map(({ length }) => length)).toEqual([1 << 20, 1 << 22]);
    expect(source.size).toBeGreaterThan(8 << 20);
  });

  it('reads a file cut anywhere as a damaged one', async () => {
    const bytes = serializeGguf(tinyModel('llama'));
    const { tensors } = await parse(bytes);
    const end = Math.max(...[...tensors.values()].map((tensor) => tensor.offset + tensor.bytes));
    for (let length = 0; length < end; length += 7) {
      await expect(parse(bytes.subarray(0, length)), `cut to ${length}`).rejects.toThrow(FormatError);
    }
  });

  const u32Type = 4;
  const arrayType = 9;
  const huge = Number.MAX_SAFE_INTEGER;
  const nested = (writer: GgufWriter, depth: number): void => {
    writer.string('deep');
    for (let i = 0; i < depth; i++) {
      writer.u32(arrayType);
      if (i > 0) writer.u64(1);
    }
    writer.u32(u32Type);
    writer.u64(0);
  };

  it('reads arrays nested four deep', async () => {
    const file = await parse(handmade((writer) => nested(writer, 4), { keys: 1 }));
    expect(file.metadata.get('deep')).toEqual([[[new Uint32Array(0)]]]);
  });

  it.each<[string, RegExp, Uint8Array]>([
    ['another magic', /"GGUF"/, handmade(() => {}, { magic: 1 })],
    ['version 4', /version 4/, handmade(() => {}, { version: 4 })],
    ['more keys than bytes', /key count/, handmade(() => {}, { keys: 1000 })],
    ['more tensors than bytes', /tensor count/, handmade(() => {}, { tensors: huge })],
    [
      'a key that twice appears',
      /appears twice/,
      handmade(
        (w) => {
          for (let i = 0; i < 2; i++) {
            w.string('k');
            w.value(typed('u8', i), 'k');
          }
        },
        { keys: 2 },
      ),
    ],
    ['a string longer than the file', /string length/, handmade((w) => w.u64(huge), { keys: 1 })],
    [
      'an array longer than the file',
      /array length/,
      handmade(
        (w) => {
          w.string('k');
          w.u32(arrayType);
          w.u32(u32Type);
          w.u64(1000);
        },
        { keys: 1 },
      ),
    ],
    [
      'an unknown value type',
      /value type 13/,
      handmade(
        (w) => {
          w.string('k');
          w.u32(13);
        },
        { keys: 1 },
      ),
    ],
    ['arrays nested five deep', /nested deeper/, handmade((w) => nested(w, 5), { keys: 1 })],
    [
      'arrays of different types in one',
      /mixes/,
      handmade(
        (w) => {
          w.string('k');
          for (const word of [arrayType, arrayType]) w.u32(word);
          w.u64(2);
          for (const type of [u32Type, u32Type + 1]) {
            w.u32(type);
            w.u64(0);
          }
        },
        { keys: 1 },
      ),
    ],
    [
      'a bool that is neither',
      /neither 0 nor 1/,
      handmade(
        (w) => {
          w.string('k');
          w.u32(7);
          w.u32(2);
        },
        { keys: 1 },
      ),
    ],
    [
      'a tensor whose name is not UTF-8',
      /not UTF-8/,
      handmade(
        (w) => {
          w.u64(4);
          w.u32(0xffffffff);
        },
        { tensors: 1 },
      ),
    ],
    ...[0, 1, 4, 24, 2 ** 30].map((alignment): [string, RegExp, Uint8Array] => [
      `alignment ${alignment}`,
      /alignment/,
      handmade(
        (w) => {
          w.string('general.alignment');
          w.value(typed('u32', alignment), 'k');
        },
        { keys: 1 },
      ),
    ]),
    [
      'alignment as text',
      /alignment/,
      handmade(
        (w) => {
          w.string('general.alignment');
          w.value(typed('string', '32'), 'k');
        },
        { keys: 1 },
      ),
    ],
    ['no dimensions', /0 dimensions/, handmade((w) => tensorInfo(w, 'a', []), { tensors: 1 })],
    ['five dimensions', /5 dimensions/, handmade((w) => tensorInfo(w, 'a', [1, 1, 1, 1, 1]), { tensors: 1 })],
    ['a size of zero', /impossible shape/, handmade((w) => tensorInfo(w, 'a', [4, 0]), { tensors: 1 })],
    [
      'more elements than a number counts',
      /impossible shape/,
      handmade((w) => tensorInfo(w, 'a', [huge, huge]), { tensors: 1 }),
    ],
    [
      'rows that cut a block',
      /multiple of the 32 of Q4_0/,
      handmade((w) => tensorInfo(w, 'a', [33, 32], 2), { tensors: 1 }),
    ],
    ['an unaligned tensor', /not aligned/, handmade((w) => tensorInfo(w, 'a', [4], 0, 4), { tensors: 1 })],
    ['a tensor beyond the end', /ends at byte/, handmade((w) => tensorInfo(w, 'a', [4], 0, 1024), { tensors: 1 })],
    ['a tensor with its end beyond', /ends at byte/, handmade((w) => tensorInfo(w, 'a', [128], 0, 0), { tensors: 1 })],
    [
      'a tensor that twice appears',
      /appears twice/,
      handmade(
        (w) => {
          tensorInfo(w, 'a', [4]);
          tensorInfo(w, 'a', [4], 0, 32);
        },
        { tensors: 2 },
      ),
    ],
    [
      'tensors that overlap',
      /shares bytes with tensor 'b'/,
      handmade(
        (w) => {
          tensorInfo(w, 'a', [4], 0, 32);
          tensorInfo(w, 'b', [9]);
        },
        { tensors: 2 },
      ),
    ],
  ])('refuses %s', async (_, message, bytes) => {
    await expect(parse(bytes)).rejects.toThrow(FormatError);
    await expect(parse(bytes)).rejects.toThrow(message);
    await expect(parse(bytes)).rejects.toThrow('x.gguf');
  });

  it('refuses a header of more than 64 MiB before it fills the memory', async () => {
    const head = handmade(
      (w) => {
        w.string('k');
        for (const word of [arrayType, 0]) w.u32(word);
        w.u64(2 ** 28);
      },
      { keys: 1 },
    );
    let most = 0;
    const source = {
      name: 'x.gguf',
      size: 2 ** 30,
      read(offset: number, length: number) {
        most = Math.max(most, offset + length);
        const bytes = new Uint8Array(length);
        bytes.set(head.subarray(0, length));
        return Promise.resolve(bytes);
      },
      assertUnchanged: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    await expect(parseGguf(source)).rejects.toThrow(/header is longer than 67108864 bytes/);
    expect(most).toBe(2 ** 26);
  });

  it('refuses sizes beyond 2⁵³', async () => {
    const bytes = handmade(() => {}, { keys: 1 });
    bytes.fill(0xff, 24, 32);
    await expect(parse(bytes)).rejects.toThrow('a string length of 18446744073709551615 is impossible');
  });

  it.each<[string, RegExp, Uint8Array]>([
    ['version 1', /GGUF version 1/, handmade(() => {}, { version: 1 })],
    ['a big-endian file', /big-endian/, handmade(() => {}, { version: 0x03000000 })],
    ['a big-endian file of version 2', /big-endian/, handmade(() => {}, { version: 0x02000000 })],
    ...['ggml', 'ggmf', 'ggjt', 'ggla'].map((format): [string, RegExp, Uint8Array] => {
      // The format's name is its magic number, written as a little-endian one.
      const magic = Number.parseInt(Buffer.from(format).toString('hex'), 16);
      return [
        `a file of the format ${format}`,
        new RegExp(`format ${format}, which GGUF`),
        handmade(() => {}, { magic }),
      ];
    }),
  ])('refuses %s as what it is, not as a damaged file', async (_, message, bytes) => {
    await expect(parse(bytes)).rejects.toThrow(UnsupportedModelError);
    await expect(parse(bytes)).rejects.toThrow(message);
    await expect(parse(bytes)).rejects.not.toThrow(/damaged/);
  });

  it.each([
    [9, 'Q8_1'],
    [23, 'IQ4_XS'],
    [31, 'Q4_0_4_4 (withdrawn)'],
    [33, 'Q4_0_8_8 (withdrawn)'],
    [40, 'NVFP4'],
    [999, '999'],
  ])('refuses tensor type %i by name, and names the tensor', async (id, name) => {
    const bytes = handmade((writer) => tensorInfo(writer, 'blk.0.x', [256], id), { tensors: 1 });
    await expect(parse(bytes)).rejects.toThrow(UnsupportedModelError);
    await expect(parse(bytes)).rejects.toThrow(name);
    await expect(parse(bytes)).rejects.toThrow('blk.0.x');
  });
});
