/**
 * Patterns that split text into words before byte-pair merging, and the form in which a
 * tokenizer.json has them.
 */
import type { JsonRecord } from './jsonFields.ts';

const contractions = "'s|'t|'re|'ve|'m|'ll|'d";

/** The pattern of GPT-2's words. */
export const gpt2Pattern: string = `${contractions}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`;

/** A pre-tokenizer that makes a word of every match, and of what lies between. */
export function isolate(regex: string): JsonRecord {
  return { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
}

/** A pattern that matches just this text. */
export function escapedPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

/** GPT-2's split. */
export const gpt2Split: JsonRecord = isolate(gpt2Pattern);
