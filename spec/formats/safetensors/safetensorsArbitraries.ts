/** Draws valid safetensors contents. */
import { fc } from '@fast-check/vitest';
import type { TensorToWrite } from '../../../src/formats/safetensors/write.ts';
import { encodeBf16, encodeF16, decodeBf16, decodeF16 } from '../../../src/tensor/halfFloat.ts';
import { numel } from '../../../src/tensor/shape.ts';

const dtypes = fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const);

/** A tensor whose values its dtype holds exactly. */
export const someTensor: fc.Arbitrary<TensorToWrite> = fc
  .tuple(dtypes, fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }))
  .chain(([dtype, shape]) => {
    const length = numel(shape);
    return fc
      .array(fc.float({ noNaN: true }), { minLength: length, maxLength: length })
      .map((values) => ({ dtype, shape, data: representable(dtype, Float32Array.from(values)) }));
  });

export const someName: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', '0', '', 'a"b', 'model.layers.0.mlp.up_proj.weight'),
);

export const someTensors: fc.Arbitrary<Map<string, TensorToWrite>> = fc
  .array(fc.tuple(someName, someTensor), { maxLength: 6 })
  .map((entries) => new Map(entries));

/** The values nearest to `values` that `dtype` has. */
function representable(dtype: TensorToWrite['dtype'], values: Float32Array): Float32Array {
  if (dtype === 'F32') return values;
  const out = new Float32Array(values.length);
  if (dtype === 'F16') decodeF16(encodeF16(values), out);
  else decodeBf16(encodeBf16(values), out);
  return out;
}

/** A file with a header given as text, and `dataBytes` zeros behind it. */
export function fileWithHeader(header: string, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}
