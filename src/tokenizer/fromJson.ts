import { FormatError } from '../errors.ts';
import { byteTokenizer } from './byteTokenizer.ts';
import { charTokenizer } from './charTokenizer.ts';
import { hfTokenizer } from './hfTokenizer.ts';
import { isRecord } from './jsonFields.ts';
import type { Tokenizer } from './tokenizer.ts';
import { configureTokenizer, type TokenizerConfigFiles } from './tokenizerConfig.ts';

/**
 * The tokenizer that a `tokenizer.json` describes: `{"type": "blockpruner-byte", "bos"?, "eos"?}`,
 * `{"type": "blockpruner-char", "alphabet"}`, or the file of Hugging Face's tokenizers.
 * @param config the parsed `tokenizer_config.json`, or undefined without one; only Hugging Face's
 * need it.
 * @param name of the file or folder, for messages.
 * @throws FormatError, UnsupportedModelError.
 */
export function tokenizerFromJson(json: unknown, config: unknown, name: string): Tokenizer {
  if (!isRecord(json)) throw new FormatError('is not a JSON object.', { where: name });
  if (json.type === 'blockpruner-byte') {
    return byteTokenizer({ bos: optionalText(json, 'bos', name), eos: optionalText(json, 'eos', name) }, name);
  }
  if (json.type === 'blockpruner-char') {
    if (typeof json.alphabet !== 'string') throw new FormatError("'alphabet' is not a string.", { where: name });
    return charTokenizer(json.alphabet, name);
  }
  return hfTokenizer(json, config, name);
}

/**
 * The same with the small files that stand beside a `tokenizer.json` in a model's folder.
 * @param name of the folder, for messages.
 * @returns the tokenizer, and what the user should be told.
 * @throws FormatError, UnsupportedModelError.
 */
export function configuredTokenizer(
  json: unknown,
  files: TokenizerConfigFiles,
  name: string,
): { tokenizer: Tokenizer; warnings: readonly string[] } {
  const file = `${name}: tokenizer.json`;
  // Tokenizers of ours have nothing to configure.
  if (!isRecord(json) || !isRecord(json.model))
    return { tokenizer: tokenizerFromJson(json, files.config, file), warnings: [] };
  const configured = configureTokenizer(json, files, name);
  return { tokenizer: tokenizerFromJson(configured.json, configured.config, file), warnings: configured.warnings };
}

function optionalText(json: Record<string, unknown>, key: string, name: string): string | undefined {
  const value = json[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') throw new FormatError(`'${key}' is not a string.`, { where: name });
  return value;
}
