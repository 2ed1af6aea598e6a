/**
 * The tensor types of GGUF that can be read: `blockElements` neighbouring elements of a row share
 * `blockBytes` bytes. Ids are ggml's, as stored in the file.
 */
import { UnsupportedModelError } from '../../errors.ts';

export type QuantName =
  'F32' | 'F16' | 'BF16' | 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'Q2_K' | 'Q3_K' | 'Q4_K' | 'Q5_K' | 'Q6_K';

export interface QuantType {
  readonly name: QuantName;
  readonly id: number;
  readonly blockElements: number;
  readonly blockBytes: number;
}

export const quantTypes: Readonly<Record<QuantName, QuantType>> = {
  F32: { name: 'F32', id: 0, blockElements: 1, blockBytes: 4 },
  F16: { name: 'F16', id: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { name: 'Q4_0', id: 2, blockElements: 32, blockBytes: 18 },
  Q4_1: { name: 'Q4_1', id: 3, blockElements: 32, blockBytes: 20 },
  Q5_0: { name: 'Q5_0', id: 6, blockElements: 32, blockBytes: 22 },
  Q5_1: { name: 'Q5_1', id: 7, blockElements: 32, blockBytes: 24 },
  Q8_0: { name: 'Q8_0', id: 8, blockElements: 32, blockBytes: 34 },
  Q2_K: { name: 'Q2_K', id: 10, blockElements: 256, blockBytes: 84 },
  Q3_K: { name: 'Q3_K', id: 11, blockElements: 256, blockBytes: 110 },
  Q4_K: { name: 'Q4_K', id: 12, blockElements: 256, blockBytes: 144 },
  Q5_K: { name: 'Q5_K', id: 13, blockElements: 256, blockBytes: 176 },
  Q6_K: { name: 'Q6_K', id: 14, blockElements: 256, blockBytes: 210 },
  BF16: { name: 'BF16', id: 30, blockElements: 1, blockBytes: 2 },
};

/** Types that files have and we do not decode, for the message alone. */
const otherTypes: ReadonlyMap<number, string> = new Map([
  [4, 'Q4_2 (withdrawn)'],
  [5, 'Q4_3 (withdrawn)'],
  [9, 'Q8_1'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [29, 'IQ1_M'],
  // Q4_0 rearranged for one kind of processor; llama.cpp does that on loading now.
  [31, 'Q4_0_4_4 (withdrawn)'],
  [32, 'Q4_0_4_8 (withdrawn)'],
  [33, 'Q4_0_8_8 (withdrawn)'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [36, 'IQ4_NL_4_4 (withdrawn)'],
  [37, 'IQ4_NL_4_8 (withdrawn)'],
  [38, 'IQ4_NL_8_8 (withdrawn)'],
  [39, 'MXFP4'],
  [40, 'NVFP4'],
  [41, 'Q1_0'],
]);

const byId: ReadonlyMap<number, QuantType> = new Map(Object.values(quantTypes).map((type) => [type.id, type]));

/**
 * The type of a stored id.
 * @param where file and tensor, for the message.
 * @throws UnsupportedModelError for a type that we do not decode.
 */
export function quantTypeOfId(id: number, where: string): QuantType {
  const type = byId.get(id);
  if (type !== undefined) return type;
  const name = otherTypes.get(id);
  throw new UnsupportedModelError(
    `has type ${name === undefined ? '' : `${name}, `}ggml's number ${id}, which is not supported.`,
    {
      where,
      remedy: `Use a file quantised to one of ${Object.keys(quantTypes).join(', ')}.`,
    },
  );
}

/** Bytes of `elements` elements; `elements` is a whole number of blocks. */
export function storedBytes(type: QuantType, elements: number): number {
  return (elements / type.blockElements) * type.blockBytes;
}
