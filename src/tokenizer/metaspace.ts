import { FormatError } from '../errors.ts';
import { flagField, type JsonRecord } from './jsonFields.ts';

/** The fields that Metaspace has as a pre-tokenizer and as a decoder. */
export interface Metaspace {
  /** One character, which stands for a space. */
  readonly replacement: string;
  /** Before which pieces one is put: all, none, or the one that begins the text. */
  readonly scheme: 'always' | 'never' | 'first';
}

/**
 * @throws FormatError for fields of a wrong type, and where the older field contradicts the newer
 * one.
 */
export function readMetaspace(json: JsonRecord, where: string): Metaspace {
  const replacement = json.replacement ?? '▁';
  if (typeof replacement !== 'string' || [...replacement].length !== 1) {
    throw new FormatError("'replacement' is not one character.", { where });
  }
  const prefixes = flagField(json, 'add_prefix_space', true, where);
  const scheme = json.prepend_scheme ?? (prefixes ? 'always' : 'never');
  if (scheme !== 'always' && scheme !== 'never' && scheme !== 'first') {
    throw new FormatError("'prepend_scheme' is not one of always, never, first.", { where });
  }
  if (!prefixes && scheme !== 'never') {
    throw new FormatError("'add_prefix_space' and 'prepend_scheme' contradict each other.", { where });
  }
  return { replacement, scheme };
}
