import { FormatError } from '../errors.ts';
import { byteTokenizer } from './byteTokenizer.ts';
import { charTokenizer } from './charTokenizer.ts';
import { hfTokenizer } from './hfTokenizer.ts';
import { isRecord } from './jsonFields.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * The tokenizer that a `tokenizer.json` describes: `{"type": "blockpruner-byte", "bos"?, "eos"?}`,
 * `{"type": "blockpruner-char", "alphabet"}`, or the file of Hugging Face's tokenizers.
 * @param config the parsed `tokenizer_config.json`, or undefined without one; only Hugging Face's need it.
 * @param name of the file or folder, for messages.
 * @throws FormatError, UnsupportedModelError.
 */
export function tokenizerFromJson(json: unknown, config: unknown, name: string): Tokenizer {
  if (!isRecord(json)) throw new FormatError('is no JSON object.', { where: name });
  if (json.type === 'blockpruner-byte') {
    return byteTokenizer({ bos: optionalText(json, 'bos', name), eos: optionalText(json, 'eos', name) }, name);
  }
  if (json.type === 'blockpruner-char') {
    if (typeof json.alphabet !== 'string') throw new FormatError("'alphabet' is no text.", { where: name });
    return charTokenizer(json.alphabet, name);
  }
  return hfTokenizer(json, config, name);
}

function optionalText(json: Record<string, unknown>, key: string, name: string): string | undefined {
  const value = json[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') throw new FormatError(`'${key}' is no text.`, { where: name });
  return value;
}
