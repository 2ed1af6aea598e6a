import { DataError, FormatError } from '../errors.ts';
import { cutsOf } from './cuts.ts';
import { readDecoder } from './decoders.ts';
import { isRecord } from './jsonFields.ts';
import { readNormalizer } from './normalizers.ts';
import { pieceBytes } from './pieceBytes.ts';
import { pipeline } from './pipeline.ts';
import { readPreTokenizer } from './preTokenizers.ts';
import { readSpecialTokens } from './specialTokens.ts';
import type { Tokenizer } from './tokenizer.ts';
import { readVocabulary } from './vocabulary.ts';

/**
 * The tokenizer of a `tokenizer.json` (Hugging Face's tokenizers), byte-pair encoding only.
 *
 * As plain text (`parseSpecial: false`) the special tokens are characters like any others; added
 * tokens that are not special (`<think>`, say) are words of the vocabulary and stay so. Where the
 * vocabulary lacks the symbol of a byte and has no unknown token, that byte is left out, as in the
 * original. Ids without a token decode to nothing: models often have more rows than their tokenizer
 * has tokens.
 * @param tokenizerConfig the parsed `tokenizer_config.json`, or undefined without one.
 * @param name of the file or folder, for messages.
 * @param ranks of the merges, where several have the same one; default: their order.
 * @throws FormatError for a malformed file, UnsupportedModelError for a tokenizer we would get
 * wrong.
 */
export function hfTokenizer(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  name: string,
  ranks: ArrayLike<number> | null = null,
): Tokenizer {
  if (!isRecord(tokenizerJson)) throw new FormatError('is not a JSON object.', { where: name });
  const config = tokenizerConfig ?? {};
  if (!isRecord(config)) throw new FormatError('the configuration is not a JSON object.', { where: name });

  const vocabulary = readVocabulary(tokenizerJson, name, ranks);
  const { added, pieces } = vocabulary;
  const normalizer = readNormalizer(tokenizerJson.normalizer, name);
  const preTokenizer = readPreTokenizer(tokenizerJson.pre_tokenizer, name);
  const decoder = readDecoder(tokenizerJson.decoder, name);
  const { encode, addedText } = pipeline(vocabulary, normalizer, preTokenizer, name);
  const specials = readSpecialTokens(tokenizerJson.post_processor, config, vocabulary.idOf, name);
  const specialTexts = new Set(added.filter((token) => token.special).map((token) => token.content));
  const bytes = normalizer?.bytes === true || preTokenizer?.bytes === true;
  // Only long texts need it.
  let cuts: ReturnType<typeof cutsOf> | null = null;

  return {
    description: `byte-pair encoding, ${pieces.length} tokens (${name})`,
    vocabSize: pieces.length,
    ...specials,
    encode: (text, { parseSpecial = true } = {}) => encode(text, parseSpecial),
    decode(ids, { keepSpecial = false } = {}) {
      for (const id of ids) {
        if (!Number.isInteger(id) || id < 0) throw new DataError(`${id} is not a token id.`, { where: name });
      }
      const tokens = ids
        .map((id) => addedText.get(id) ?? pieces[id])
        .filter((token) => token !== undefined)
        .filter((token) => keepSpecial || !specialTexts.has(token));
      return decoder === null ? tokens.join(' ') : decoder.decode(tokens).join('');
    },
    cutsBetween(left, right) {
      cuts ??= cutsOf(tokenizerJson, vocabulary, (text) => normalizer?.apply({ text, atStart: 0 }).text ?? text);
      return cuts(left, right);
    },
    byteLength: pieceBytes(vocabulary, bytes),
  };
}
