/**
 * The value types of GGUF metadata: their stored ids, how values look in memory, and how scalars
 * lie in bytes (little-endian throughout).
 *
 *   scalar   the number itself; a bool is one byte, 0 or 1
 *   string   u64 length · that many bytes of UTF-8
 *   array    u32 element type · u64 count · the elements, back to back
 */

/** Each type's place in this list is its stored id. */
export const valueTypes = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
] as const;

export type GgufNumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64';
export type GgufScalarType = GgufNumberType | 'bool' | 'string' | 'u64' | 'i64';
/**
 * A value's type: a scalar, or an array with its element type. The arrays of one array all have one
 * type.
 */
export type GgufType = GgufScalarType | { readonly array: GgufType };

export type GgufNumberArray =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** A metadata value. 64-bit integers are numbers where a number is exact, else bigints. */
export type GgufValue = number | bigint | boolean | string | GgufNumberArray | readonly GgufValue[];

export interface TypedValue {
  readonly type: GgufType;
  readonly value: GgufValue;
}

/**
 * Fewest bytes a value takes: with the bytes left in a file, this bounds every count the file
 * claims.
 */
export const minimumBytes: Readonly<Record<(typeof valueTypes)[number], number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  string: 8,
  array: 12,
  u64: 8,
  i64: 8,
  f64: 8,
};

/** The typed array that holds an array of a number type. */
export const numberArrays: Readonly<Record<GgufNumberType, new (source: ArrayBuffer) => GgufNumberArray>> = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
};

export function isNumberType(type: (typeof valueTypes)[number]): type is GgufNumberType {
  return Object.hasOwn(numberArrays, type);
}

/** The number at byte `at`. */
export function readNumber(view: DataView, at: number, type: GgufNumberType): number {
  switch (type) {
    case 'u8':
      return view.getUint8(at);
    case 'i8':
      return view.getInt8(at);
    case 'u16':
      return view.getUint16(at, true);
    case 'i16':
      return view.getInt16(at, true);
    case 'u32':
      return view.getUint32(at, true);
    case 'i32':
      return view.getInt32(at, true);
    case 'f32':
      return view.getFloat32(at, true);
    case 'f64':
      return view.getFloat64(at, true);
    default:
      return type satisfies never;
  }
}

/** Stores a number at byte `at`; one that the type does not hold is wrapped or rounded. */
export function writeNumber(view: DataView, at: number, type: GgufNumberType, value: number): void {
  switch (type) {
    case 'u8':
      return view.setUint8(at, value);
    case 'i8':
      return view.setInt8(at, value);
    case 'u16':
      return view.setUint16(at, value, true);
    case 'i16':
      return view.setInt16(at, value, true);
    case 'u32':
      return view.setUint32(at, value, true);
    case 'i32':
      return view.setInt32(at, value, true);
    case 'f32':
      return view.setFloat32(at, value, true);
    case 'f64':
      return view.setFloat64(at, value, true);
    default:
      return type satisfies never;
  }
}
