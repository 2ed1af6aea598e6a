import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { decodeFloats } from '../../../src/formats/safetensors/dtypes.ts';
import { parseSafetensors } from '../../../src/formats/safetensors/parse.ts';
import { serializeSafetensors } from '../../../src/formats/safetensors/write.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { expectWhole, hostileNumbers, hostileTexts, mutated, someDamage, survives, watchedSource } from '../hostile.ts';
import { fileWithHeader, someTensors } from './safetensorsArbitraries.ts';

const parse = (bytes: Uint8Array) => parseSafetensors(memoryBytes('m.safetensors', bytes));

/** A header with one tensor, changed. */
const one = (change: object): string =>
  JSON.stringify({ t: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24], ...change } });

describe('hostile headers', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /has 0 bytes, too few/],
    ['seven bytes', new Uint8Array(7), /has 7 bytes/],
    ['a header beyond the file', fileWithHeader('{}', 0).with(0, 3), /claims a header of 3 bytes/],
    ['a header of 2⁶⁴ − 1 bytes', new Uint8Array(64).fill(255, 0, 8), /claims a header of 18446744073709551615 bytes/],
    [
      'a header of 2⁵³ + 1 bytes',
      new Uint8Array(64).with(0, 1).with(6, 32),
      /claims a header of 9007199254740993 bytes/,
    ],
    ['no JSON', fileWithHeader('{oops}', 0), /not valid JSON/],
    ['no UTF-8', fileWithHeader('{"??":1}', 0).with(10, 0xff), /not valid JSON/],
    ['a byte order mark', fileWithHeader('\u{feff}{}', 0), /does not begin with '{'/],
    ['an array', fileWithHeader('[]', 0), /does not begin with '{'/],
    ['an empty header', fileWithHeader('', 0), /does not begin with '{'/],
    ['a tensor that is not an object', fileWithHeader('{"t":[]}', 0), /tensor 't' is not a JSON object/],
    ['a tensor that is null', fileWithHeader('{"t":null}', 0), /tensor 't' is not a JSON object/],
    ['an unknown dtype', fileWithHeader(one({ dtype: 'F31' }), 24), /tensor 't' has the unknown dtype 'F31'/],
    ['an inherited name as dtype', fileWithHeader(one({ dtype: 'toString' }), 24), /unknown dtype 'toString'/],
    ['a dtype that is not a string', fileWithHeader(one({ dtype: 7 }), 24), /unknown dtype 7/],
    ['a negative size', fileWithHeader(one({ shape: [-2, -3] }), 24), /no valid shape/],
    ['a fractional size', fileWithHeader(one({ shape: [1.5, 4] }), 24), /no valid shape/],
    ['no shape', fileWithHeader(one({ shape: null }), 24), /no valid shape/],
    ['a thousand axes', fileWithHeader(one({ shape: Array.from({ length: 1000 }, () => 1) }), 24), /no valid shape/],
    ['a size beyond 2⁵³', fileWithHeader(one({ shape: [2 ** 52, 4] }), 24), /impossible size/],
    ['a size beyond 2⁵³ before a zero', fileWithHeader(one({ shape: [2 ** 52, 4, 0] }), 24), /impossible size/],
    ['half a byte', fileWithHeader(one({ dtype: 'F4', shape: [3], data_offsets: [0, 1] }), 1), /impossible size/],
    ['offsets beyond the file', fileWithHeader(one({}), 23), /data_offsets outside/],
    ['offsets back to front', fileWithHeader(one({ data_offsets: [24, 0] }), 24), /data_offsets outside/],
    ['negative offsets', fileWithHeader(one({ data_offsets: [-24, 0] }), 24), /data_offsets outside/],
    ['three offsets', fileWithHeader(one({ data_offsets: [0, 24, 48] }), 24), /data_offsets outside/],
    ['no offsets', fileWithHeader(one({ data_offsets: undefined }), 24), /data_offsets outside/],
    [
      'offsets that miss the shape',
      fileWithHeader(one({ data_offsets: [0, 20] }), 24),
      /needs 24 bytes, its data_offsets span 20/,
    ],
    ['bytes behind the last tensor', fileWithHeader(one({}), 25), /1 bytes after the last tensor/],
    ['a hole', fileWithHeader(one({ data_offsets: [4, 28] }), 28), /hole of 4 bytes before 't'/],
    ['metadata that is a list', fileWithHeader('{"__metadata__":[]}', 0), /__metadata__ is not a JSON object/],
    ['metadata with a number', fileWithHeader('{"__metadata__":{"a":1}}', 0), /__metadata__ entry 'a' is not a string/],
    [
      'overlapping tensors',
      fileWithHeader(
        '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
        6,
      ),
      /tensor 'b' overlaps/,
    ],
    [
      'one tensor twice',
      fileWithHeader(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
        2,
      ),
      /key 'a' twice/,
    ],
    ['a terminal escape in a name', fileWithHeader('{"\\u001b[2J":0}', 0), /tensor '\\u001b\[2J' is no/],
  ];
  test.each(cases)('%s', async (_, bytes, message) => {
    const error: unknown = await parse(bytes).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^m\.safetensors: [^\n]*$/);
  });
});

test('a header of nothing is a file without tensors', async () => {
  expect((await parse(fileWithHeader('{}', 0))).tensors.size).toBe(0);
});

test('tensors of no elements may share a place', async () => {
  const empty = '{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}';
  expect((await parse(fileWithHeader(`{"a":${empty},"b":${empty}}`, 0))).tensors.size).toBe(2);
});

test('a type that is no float is listed, but not read as weights', async () => {
  const { tensors } = await parse(fileWithHeader('{"t":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}', 8));
  expect(tensors.get('t')?.dtype).toBe('I64');
  expect(() => decodeFloats('I64', new Uint8Array(8), 'm.safetensors: t')).toThrow(
    /^m\.safetensors: t: dtype I64 cannot be read/,
  );
});

test('F32, F16 and BF16 give the values their bits stand for', () => {
  // 1.5, −2, and the smallest subnormal, by their bit patterns.
  const bits16 = (...words: number[]): Uint8Array => new Uint8Array(Uint16Array.from(words).buffer);
  expect([...decodeFloats('F16', bits16(0x3e00, 0xc000, 0x0001), 't')]).toEqual([1.5, -2, 2 ** -24]);
  expect([...decodeFloats('BF16', bits16(0x3fc0, 0xc000, 0x0001), 't')]).toEqual([1.5, -2, 2 ** -133]);
  expect([...decodeFloats('F32', new Uint8Array(Uint32Array.of(0x3fc00000, 1).buffer), 't')]).toEqual([1.5, 2 ** -149]);
});

test('bytes that lie crooked in a larger buffer are read all the same', () => {
  const buffer = new Uint8Array(11);
  buffer.set(new Uint8Array(Float32Array.of(0.25, -7).buffer), 3);
  expect([...decodeFloats('F32', buffer.subarray(3), 't')]).toEqual([0.25, -7]);
});

describe('any input gives tensors inside the file, or a typed error', () => {
  const check = (bytes: Uint8Array): Promise<void> =>
    survives(
      () => parseSafetensors(watchedSource(bytes)),
      ({ tensors, metadata }) => {
        let end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
        for (const { dtype, shape, offset, bytes: length } of tensors.values()) {
          expectWhole({ dtype, shape, offset, length });
          expect(offset).toBe(end);
          end = offset + length;
        }
        expect(end).toBe(bytes.length);
        expectWhole(metadata);
      },
    );
  test.prop([fc.uint8Array({ maxLength: 200 })], { numRuns: 3000 })('random bytes', check);
  test.prop([fc.json(), fc.nat(64)], { numRuns: 3000 })('random JSON as header', (json, size) =>
    check(fileWithHeader(json, size)),
  );
  test.prop([someTensors, someDamage], { numRuns: 4000 })('damaged files', (tensors, damage) =>
    check(damage(serializeSafetensors(tensors))),
  );
  test.prop(
    [
      fc.record(
        {
          dtype: fc.oneof(fc.constantFrom('F32', 'F16', 'I64', 'F4', 'x'), fc.jsonValue()),
          shape: fc.oneof(fc.array(fc.oneof(fc.nat(4), fc.double(), fc.maxSafeInteger())), fc.jsonValue()),
          data_offsets: fc.oneof(fc.array(fc.oneof(fc.nat(40), fc.double(), fc.maxSafeInteger())), fc.jsonValue()),
        },
        { requiredKeys: [] },
      ),
      fc.nat(40),
    ],
    { numRuns: 2000 },
  )('entries of the right fields and wrong values', (entry, size) =>
    check(fileWithHeader(JSON.stringify({ t: entry }), size)),
  );
  const two = {
    __metadata__: { format: 'pt' },
    a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
    b: { dtype: 'BF16', shape: [4], data_offsets: [24, 32] },
  };
  const values = fc.oneof(
    fc.constantFrom<unknown>(...hostileNumbers, ...hostileTexts, 'F4', 'F64', null),
    fc.array(fc.constantFrom(0, 1, 4, 8, 24, 32, 2 ** 52, 2 ** 53), { maxLength: 4 }),
  );
  test.prop([mutated(two, values), fc.constantFrom(0, 24, 32)], { numRuns: 3000 })(
    'headers with fields exchanged, removed and renamed',
    (json, size) => check(fileWithHeader(JSON.stringify(json), size)),
  );

  test('nesting as deep as JSON allows', async () => {
    const deep = `${'{"a":['.repeat(1e5)}${']}'.repeat(1e5)}`;
    await check(fileWithHeader(deep, 0));
    await check(fileWithHeader(`{"a":{"dtype":${deep},"shape":${deep},"data_offsets":${deep}}}`, 0));
  });
});
