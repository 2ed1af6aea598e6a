/** Small tokenizers that are complete, and ways to damage them. */
import * as fc from 'fast-check';
import type { TokenizerJson } from './realTokenizers.ts';

const specials = [
  { id: 300, content: '<s>', special: true },
  { id: 301, content: '</s>', special: true },
];

/** A fresh `tokenizer.json` with GPT-2's 256 byte symbols and a few merges. */
export function smallByteLevelJson(): TokenizerJson & Record<string, any> {
  return {
    added_tokens: structuredClone(specials),
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: { ...Object.fromEntries(byteSymbols().map((symbol, id) => [symbol, id])), ab: 256, Ġa: 257 },
      merges: ['a b', 'Ġ a'],
      unk_token: null,
    },
  };
}

/** A fresh `tokenizer.json` with byte fallback, a few letters and ▁ for the space. */
export function smallSentencePieceJson(): TokenizerJson & Record<string, any> {
  const vocab: Record<string, number> = { '<unk>': 0 };
  for (let byte = 0; byte < 256; byte++) {
    vocab[`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`] = 1 + byte;
  }
  for (const [index, piece] of ['▁', 'a', 'b', 'ab'].entries()) vocab[piece] = 257 + index;
  return {
    added_tokens: [{ id: 0, content: '<unk>', special: true }, ...structuredClone(specials)],
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: { type: 'BPE', vocab, merges: [['a', 'b']], unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
  };
}

/** The characters by which byte-level vocabularies spell the bytes: printable ones as they are, the others from U+0100. */
export function byteSymbols(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** What a field may wrongly hold. */
const wrongValues: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    undefined,
    true,
    -1,
    0,
    7,
    0.5,
    1e12,
    Number.NaN,
    '',
    'a',
    '<s>',
    'BPE',
    'Sequence',
    'Split',
    'ByteLevel',
  ),
  fc.constantFrom<unknown>([], {}, [null], [['a']], { type: 'Sequence' }, { type: 'Metaspace' }, { type: 'Strip' }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** A JSON value with up to three places, found by chance, replaced or removed. */
export function mutated<T>(json: T): fc.Arbitrary<unknown> {
  const change = fc.tuple(fc.array(fc.nat(400), { minLength: 1, maxLength: 5 }), fc.boolean(), wrongValues);
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy: unknown = structuredClone(json);
    for (const [path, remove, value] of changes) damage(copy, path, remove, value);
    return copy;
  });
}

function damage(node: unknown, path: readonly number[], remove: boolean, value: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const keys = Object.keys(node);
  if (keys.length === 0) return;
  const key = keys[path[0] % keys.length];
  const record = node as Record<string, unknown>;
  const child = record[key];
  if (path.length > 1 && typeof child === 'object' && child !== null) damage(child, path.slice(1), remove, value);
  else if (remove) delete record[key];
  else record[key] = value;
}
