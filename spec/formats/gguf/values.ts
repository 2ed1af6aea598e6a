/** Arbitrary GGUF metadata and tensors, for round trips. */
import { fc } from '@fast-check/vitest';
import { quantTypes } from '../../../src/formats/gguf/quantTypes.ts';
import {
  isNumberType,
  numberArrays,
  valueTypes,
  type GgufScalarType,
  type GgufType,
  type GgufValue,
  type TypedValue,
} from '../../../src/formats/gguf/valueTypes.ts';
import type { GgufTensorToWrite } from '../../../src/formats/gguf/write.ts';

const unicode = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !/\p{Cs}/u.test(text));

/** 64-bit integers as the reader gives them: a number wherever that is exact. */
const wide = (value: bigint): number | bigint => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

const scalars: Record<GgufScalarType, fc.Arbitrary<number | bigint | boolean | string>> = {
  u8: fc.nat(0xff),
  i8: fc.integer({ min: -0x80, max: 0x7f }),
  u16: fc.nat(0xffff),
  i16: fc.integer({ min: -0x8000, max: 0x7fff }),
  u32: fc.nat(0xffffffff),
  i32: fc.integer(),
  f32: fc.float(),
  f64: fc.double(),
  bool: fc.boolean(),
  string: unicode,
  u64: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 100n })).map(wide),
  i64: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -9n, max: 9n })).map(wide),
};

const scalarTypes = valueTypes.filter((type) => type !== 'array');

const typesOfDepth = (depth: number): fc.Arbitrary<GgufType> => {
  const scalar = fc.constantFrom<GgufType>(...scalarTypes);
  return depth === 0
    ? scalar
    : fc.oneof(
        scalar,
        typesOfDepth(depth - 1).map((array) => ({ array })),
      );
};

/**
 * Values of a type. Arrays of arrays have an element, without which the reader could not know the
 * inner type.
 */
function valuesOf(type: GgufType): fc.Arbitrary<GgufValue> {
  if (typeof type === 'string') return scalars[type];
  const element = type.array;
  const minLength = typeof element === 'string' ? 0 : 1;
  const items = fc.array(valuesOf(element), { minLength, maxLength: 5 });
  if (typeof element !== 'string' || !isNumberType(element)) return items;
  return items.map((numbers) => {
    const empty = new numberArrays[element](new ArrayBuffer(0));
    return (empty.constructor as unknown as { from(values: readonly GgufValue[]): GgufValue }).from(numbers);
  });
}

export const typedValues: fc.Arbitrary<TypedValue> = typesOfDepth(4).chain((type) => {
  return valuesOf(type).map((value) => ({ type, value }));
});

export const metadataMaps: fc.Arbitrary<Map<string, TypedValue>> = fc
  .tuple(
    fc.uniqueArray(fc.tuple(unicode, typedValues), { selector: ([key]) => key, maxLength: 8 }),
    fc.option(fc.constantFrom(8, 32, 64, 4096)),
  )
  .map(([entries, alignment]) => {
    const metadata = new Map(entries.filter(([key]) => key !== 'general.alignment'));
    if (alignment !== null) metadata.set('general.alignment', { type: 'u32', value: alignment });
    return metadata;
  });

const tensors: fc.Arbitrary<GgufTensorToWrite> = fc
  .tuple(
    fc.constantFrom(...Object.values(quantTypes)),
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    fc.nat(255),
  )
  .map(([type, [blocks, ...rest], fill]) => {
    const count = rest.reduce((product, size) => product * size, blocks);
    const bytes = new Uint8Array(count * type.blockBytes).fill(fill);
    return { type, dims: [blocks * type.blockElements, ...rest], bytes };
  });

export const tensorMaps: fc.Arbitrary<Map<string, GgufTensorToWrite>> = fc
  .uniqueArray(fc.tuple(unicode, tensors), { selector: ([name]) => name, maxLength: 6 })
  .map((entries) => new Map(entries));
