import { fc, test } from '@fast-check/vitest';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { dequantize } from '../../../src/formats/gguf/dequantize.ts';
import { parseGguf } from '../../../src/formats/gguf/parse.ts';
import { quantTypes, type QuantName } from '../../../src/formats/gguf/quantTypes.ts';
import { memoryBytes } from '../../../src/platform/memoryBytes.ts';
import { decodeF16 } from '../../../src/tensor/halfFloat.ts';
import { seededRng } from '../../../src/tensor/rng.ts';
import { seeds } from '../../arbitraries.ts';
import { hasShared, sharedPath } from '../../shared.ts';
import { goldenTensors } from './fixtures.ts';

const f = Math.fround;

/**
 * The value of element `e` of one block, straight from the formula, in f32 arithmetic: slow, and
 * free of loops to get wrong.
 */
type Element = (b: Uint8Array, e: number) => number;

const half = (b: Uint8Array, at: number): number => {
  const out = new Float32Array(1);
  decodeF16(Uint16Array.of(b[at] + 256 * b[at + 1]), out);
  return out[0];
};
const nibble = (b: Uint8Array, at: number, e: number): number =>
  e < 16 ? b[at + e] % 16 : Math.floor(b[at + e - 16] / 16);
const bit = (byte: number, k: number): number => Math.floor(byte / 2 ** k) % 2;
const fifth = (b: Uint8Array, at: number, e: number): number => bit(b[at + Math.floor(e / 8)], e % 8);
const i8 = (byte: number): number => (byte < 128 ? byte : byte - 256);
const crumb = (byte: number, index: number): number => Math.floor(byte / 4 ** index) % 4;

/**
 * Element e of a 256-element block: half n, quarter c of that half, place l in the quarter;
 * 16-element group g.
 */
const split = (e: number): { n: number; c: number; l: number; g: number } => {
  return { n: Math.floor(e / 128), c: Math.floor(e / 32) % 4, l: e % 32, g: Math.floor(e / 16) };
};
/** 6-bit scale and min of sub-block s, as 12 bytes hold them. */
const sixBits = (b: Uint8Array, at: number, s: number): { sc: number; mn: number } => {
  if (s < 4) return { sc: b[at + s] % 64, mn: b[at + s + 4] % 64 };
  const low = b[at + s + 4];
  return {
    sc: (low % 16) + 16 * Math.floor(b[at + s - 4] / 64),
    mn: Math.floor(low / 16) + 16 * Math.floor(b[at + s] / 64),
  };
};
const subBlockNibble = (b: Uint8Array, at: number, e: number): number => {
  const s = Math.floor(e / 32);
  const byte = b[at + 32 * Math.floor(s / 2) + (e % 32)];
  return s % 2 === 0 ? byte % 16 : Math.floor(byte / 16);
};

const elements: Partial<Record<QuantName, Element>> = {
  Q8_0: (b, e) => f(i8(b[2 + e]) * half(b, 0)),
  Q4_0: (b, e) => f((nibble(b, 2, e) - 8) * half(b, 0)),
  Q4_1: (b, e) => f(f(nibble(b, 4, e) * half(b, 0)) + half(b, 2)),
  Q5_0: (b, e) => f((nibble(b, 6, e) + 16 * fifth(b, 2, e) - 16) * half(b, 0)),
  Q5_1: (b, e) => f(f((nibble(b, 8, e) + 16 * fifth(b, 4, e)) * half(b, 0)) + half(b, 2)),
  Q2_K: (b, e) => {
    const { n, c, l, g } = split(e);
    const scale = f(half(b, 80) * (b[g] % 16));
    return f(f(scale * crumb(b[16 + 32 * n + l], c)) - f(half(b, 82) * Math.floor(b[g] / 16)));
  },
  Q3_K: (b, e) => {
    const { n, c, l, g } = split(e);
    const low = g < 8 ? b[96 + g] % 16 : Math.floor(b[96 + g - 8] / 16);
    const scale = low + 16 * crumb(b[104 + (g % 4)], Math.floor(g / 4));
    const q = crumb(b[32 + 32 * n + l], c) - (bit(b[l], 4 * n + c) === 0 ? 4 : 0);
    return f(f(half(b, 108) * (scale - 32)) * q);
  },
  Q4_K: (b, e) => {
    const { sc, mn } = sixBits(b, 4, Math.floor(e / 32));
    return f(f(f(half(b, 0) * sc) * subBlockNibble(b, 16, e)) - f(half(b, 2) * mn));
  },
  Q5_K: (b, e) => {
    const s = Math.floor(e / 32);
    const { sc, mn } = sixBits(b, 4, s);
    const q = subBlockNibble(b, 48, e) + 16 * bit(b[16 + (e % 32)], s);
    return f(f(f(half(b, 0) * sc) * q) - f(half(b, 2) * mn));
  },
  Q6_K: (b, e) => {
    const { n, c, l, g } = split(e);
    const byte = b[64 * n + 32 * (c % 2) + l];
    const q = (c < 2 ? byte % 16 : Math.floor(byte / 16)) + 16 * crumb(b[128 + 32 * n + l], c);
    return f(f(half(b, 208) * i8(b[192 + g])) * (q - 32));
  },
};

/** Random blocks; their F16 scales are whatever comes, infinities and NaNs included. */
function randomBytes(seed: number, length: number): Uint8Array {
  const rng = seededRng(seed);
  return Uint8Array.from({ length }, () => rng.int(256));
}

describe('dequantize', () => {
  describe.each(Object.keys(elements) as QuantName[])('%s', (name) => {
    const type = quantTypes[name];
    const element = elements[name];
    test.prop([seeds, fc.integer({ min: 1, max: 3 })], { numRuns: 50 })(
      'equals the formula to the bit',
      (seed, blocks) => {
        const bytes = randomBytes(seed, blocks * type.blockBytes);
        const want = Float32Array.from({ length: blocks * type.blockElements }, (_, i) => {
          const block = Math.floor(i / type.blockElements) * type.blockBytes;
          return element?.(bytes.subarray(block, block + type.blockBytes), i % type.blockElements) ?? NaN;
        });
        expect(dequantize(type, bytes)).toEqual(want);
      },
    );
  });

  test.prop([seeds, fc.constantFrom(...Object.values(quantTypes)), fc.integer({ min: 0, max: 3 })])(
    'does not depend on where the bytes lie in memory',
    (seed, type, shift) => {
      const bytes = randomBytes(seed, type.blockBytes * 2);
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(dequantize(type, moved.subarray(shift))).toEqual(dequantize(type, bytes));
    },
  );

  it.each(Object.values(quantTypes))('refuses bytes that are not a whole number of $name blocks', (type) => {
    expect(() => dequantize(type, new Uint8Array(type.blockBytes + 1))).toThrow(FormatError);
  });
});

describe.skipIf(!hasShared)('dequantize against gguf-py (skipped without the golden data)', () => {
  it('gives the same values, to the bit, for random blocks of every type', async () => {
    const source = memoryBytes('quants.gguf', readFileSync(sharedPath('golden', 'gguf', 'quants.gguf')));
    const file = await parseGguf(source);
    const expected = goldenTensors('gguf', 'quants.expected.safetensors');
    const covered = new Set<string>();
    for (const { name, type, offset, bytes } of file.tensors.values()) {
      expect(dequantize(type, await source.read(offset, bytes)), name).toEqual(expected.get(name)?.data);
      covered.add(type.name);
    }
    expect([...covered].toSorted()).toEqual(
      Object.keys(quantTypes)
        .filter((name) => name !== 'F32')
        .toSorted(),
    );
  });
});
