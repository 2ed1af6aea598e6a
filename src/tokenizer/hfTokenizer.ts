import { Tokenizer as Library } from '@huggingface/tokenizers';
import { DataError, FormatError } from '../errors.ts';
import { isRecord, shown, type JsonRecord } from './jsonFields.ts';
import { pieceBytes } from './pieceBytes.ts';
import { readStage, stageHas } from './pipeline.ts';
import { readSpecialTokens } from './specialTokens.ts';
import type { Tokenizer } from './tokenizer.ts';
import { readVocabulary } from './vocabulary.ts';
import { splitAtWords } from './wordBorders.ts';

/**
 * The tokenizer of a `tokenizer.json` (Hugging Face's tokenizers), byte-pair encoding only.
 *
 * As plain text (`parseSpecial: false`) the special tokens are characters like any others; added tokens that are not
 * special (`<think>`, say) are words of the vocabulary and stay so. Where the vocabulary lacks the symbol of a byte
 * and has no unknown token, that byte is left out, as in the original. Ids without a token decode to nothing: models
 * often have more rows than their tokenizer has tokens.
 * @param tokenizerConfig the parsed `tokenizer_config.json`, or undefined without one.
 * @param name of the file or folder, for messages.
 * @throws FormatError for a malformed file, UnsupportedModelError for a tokenizer we would get wrong.
 */
export function hfTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown, name: string): Tokenizer {
  if (!isRecord(tokenizerJson)) throw new FormatError('is no JSON object.', { where: name });
  const config = tokenizerConfig ?? {};
  if (!isRecord(config)) throw new FormatError('the configuration is no JSON object.', { where: name });

  const vocabulary = readVocabulary(tokenizerJson, name);
  const { added, pieces } = vocabulary;
  const preTokenizer = readStage('pre_tokenizer', tokenizerJson.pre_tokenizer, name);
  const byteLevel = stageHas(preTokenizer, 'ByteLevel');
  const stages = {
    normalizer: readStage('normalizer', tokenizerJson.normalizer, name),
    pre_tokenizer: byteLevel ? preTokenizer : splitAtWords(preTokenizer, vocabulary),
    decoder: readStage('decoder', tokenizerJson.decoder, name),
    // encode never adds special tokens, so the library's post-processing has nothing to do.
    post_processor: null,
  };
  const specials = readSpecialTokens(tokenizerJson.post_processor, config, vocabulary.idOf, name);
  const specialIds = new Set(added.filter((token) => token.special).map((token) => token.id));
  const build = (tokens: readonly object[]): Library =>
    buildLibrary({ ...stages, model: vocabulary.model, added_tokens: tokens }, name);
  const parsing = build(added);
  // Twice the tables of a large vocabulary is time and memory: only who asks for plain text pays.
  let plain: Library | null = null;

  return {
    description: `byte-pair encoding, ${pieces.length} tokens (${name})`,
    vocabSize: pieces.length,
    ...specials,
    encode(text, { parseSpecial = true } = {}) {
      if (!parseSpecial) plain ??= build(added.filter((token) => !token.special));
      const { ids } = (parseSpecial ? parsing : (plain ?? parsing)).encode(text, { add_special_tokens: false });
      return ids;
    },
    decode(ids, { keepSpecial = false } = {}) {
      for (const id of ids) {
        if (!Number.isInteger(id) || id < 0) throw new DataError(`${id} is no token id.`, { where: name });
      }
      const known = ids.filter((id) => pieces[id] !== undefined && (keepSpecial || !specialIds.has(id)));
      if (known.length === 0) return '';
      // The clean-up of spaces before punctuation would change the text.
      return parsing.decode(known, { clean_up_tokenization_spaces: false });
    },
    byteLength: pieceBytes(vocabulary, byteLevel),
  };
}

/** @throws FormatError for what only shows when the library compiles it, such as a broken pattern. */
function buildLibrary(json: JsonRecord, name: string): Library {
  try {
    const library = new Library(json, {});
    // Some stages fail at their first use only.
    library.encode('a 1');
    return library;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(`cannot be used as a tokenizer: ${shown(reason, 200)}.`, { where: name, cause });
  }
}
