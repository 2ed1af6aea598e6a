/**
 * Learns the vocabulary of this model from its training text and writes tokenizer.json:
 *
 *   node tiny-models/verses/tokenizer.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { trainBpe, type BpeTokenizerJson } from '../../src/tokenizer/bpeTrainer.ts';

export const VOCABULARY = 512;
export const file: string = fileURLToPath(new URL('tokenizer.json', import.meta.url));

export function versesTokenizer(): BpeTokenizerJson {
  const text = readFileSync(new URL('../data/shakespeare-train.txt', import.meta.url), 'utf8');
  return trainBpe(text, VOCABULARY);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(file, `${JSON.stringify(versesTokenizer(), null, 2)}\n`);
}
