/**
 * How text is split into words before byte-pair merging, by the name that GGUF files give the scheme in
 * `tokenizer.ggml.pre`. Merges never cross these borders, so another split gives other tokens. Patterns as in the
 * models' own `tokenizer.json`.
 */
import type { JsonRecord } from './jsonFields.ts';

const contractions = "'s|'t|'re|'ve|'m|'ll|'d";
const gpt2 = `${contractions}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`;

/** Llama 3's and Qwen 2's split: they differ in how many digits make a word. */
function modern(digits: string): string {
  const words = `(?i:${contractions})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}`;
  return `${words}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
}

/** A pre-tokenizer that makes a word of every match, and of what lies between. */
export function isolate(regex: string): JsonRecord {
  return { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
}

/** A pattern that matches just this text. */
export function escapedPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

/** The split of GPT-2. */
export const gpt2Split: JsonRecord = isolate(gpt2);

/** What a scheme's name stands for. */
export interface PreTokenizer {
  /** Applied one after the other, each inside the pieces of the one before. */
  readonly splits: readonly JsonRecord[];
  readonly normalizer: JsonRecord | null;
  /** Whether a word that is in the vocabulary becomes its token at once, whatever the merges say. */
  readonly ignoreMerges: boolean;
  /** Whether a BOS is put first where the file does not say. */
  readonly addsBos: boolean;
}

const simple = { normalizer: null, ignoreMerges: false, addsBos: false };

export const preTokenizers: Readonly<Record<string, PreTokenizer>> = {
  'gpt-2': { ...simple, splits: [gpt2Split] },
  smollm: { ...simple, splits: [isolate('\\p{N}'), gpt2Split] },
  'llama-bpe': { ...simple, splits: [isolate(modern('\\p{N}{1,3}'))], ignoreMerges: true, addsBos: true },
  // The models' own tokenizer composes accents first (NFC), though the file format has no key for it.
  qwen2: { ...simple, splits: [isolate(modern('\\p{N}'))], normalizer: { type: 'NFC' } },
};
