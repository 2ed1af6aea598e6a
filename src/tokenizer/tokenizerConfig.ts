/**
 * What the small files beside a tokenizer.json change in it, as transformers reads them: tokens
 * that only tokenizer_config.json, special_tokens_map.json or added_tokens.json name, and
 * `add_prefix_space`.
 */
import { FormatError } from '../errors.ts';
import { addTokens, tokenOf, type TokenToAdd } from './addTokens.ts';
import { isRecord, isTokenId, shown, type JsonRecord } from './jsonFields.ts';
import { withPrefixSpace } from './prefixSpace.ts';
import { namedTokens, unusedFields } from './tokenizerConfigFields.ts';

/** The parsed files; undefined for one that is not there. */
export interface TokenizerConfigFiles {
  readonly config?: unknown;
  readonly specialTokensMap?: unknown;
  readonly addedTokens?: unknown;
}

export interface ConfiguredTokenizer {
  /** The tokenizer.json with what the other files change. */
  readonly json: JsonRecord;
  /** The fields of tokenizer_config.json with those of special_tokens_map.json. */
  readonly config: JsonRecord;
  readonly warnings: readonly string[];
}

/**
 * As in transformers: `added_tokens_decoder`, where it is there, stands for both older files;
 * otherwise the fields of special_tokens_map.json go before those of tokenizer_config.json, and
 * added_tokens.json adds its tokens. A token that is new gets the next free id, whatever id a file
 * gives it.
 * @param name of the model's folder, for messages.
 * @throws FormatError for fields of a wrong type.
 */
export function configureTokenizer(json: JsonRecord, files: TokenizerConfigFiles, name: string): ConfiguredTokenizer {
  const where = `${name}: tokenizer_config.json`;
  const own = objectOf(files.config, where);
  const decoder = own.added_tokens_decoder ?? null;
  const map = decoder === null ? objectOf(files.specialTokensMap, `${name}: special_tokens_map.json`) : {};
  const config = { ...own, ...map };
  const named = namedTokens(config, where);
  const special = new Set(named.map(({ content }) => content));
  const added =
    decoder === null
      ? legacyTokens(objectOf(files.addedTokens, `${name}: added_tokens.json`), special, `${name}: added_tokens.json`)
      : decoderTokens(decoder, special, where);
  const { tokens, warnings } = addTokens(json, [...added, ...named], where);
  const prefixed = withPrefixSpace({ ...json, added_tokens: tokens }, config, where);
  return { json: prefixed.json, config, warnings: [...unusedFields(own, where), ...warnings, ...prefixed.warnings] };
}

function objectOf(json: unknown, where: string): JsonRecord {
  if (json === undefined || json === null) return {};
  if (!isRecord(json)) throw new FormatError('is not a JSON object.', { where });
  return json;
}

/** `{"1500": {"content": "<|user|>", "special": true, …}}`, in the order of the ids. */
function decoderTokens(decoder: unknown, special: ReadonlySet<string>, where: string): TokenToAdd[] {
  const place = `${where}: added_tokens_decoder`;
  return Object.entries(objectOf(decoder, place))
    .map(([key, value]): TokenToAdd => {
      const id = /^\d+$/.test(key) ? Number(key) : NaN;
      if (!isTokenId(id)) throw new FormatError(`${shown(key)} is not a token id.`, { where: place });
      const token = tokenOf(value, false, place);
      return { ...token, special: token.special || special.has(token.content), statedId: id };
    })
    .toSorted((a, b) => (a.statedId ?? 0) - (b.statedId ?? 0));
}

/** `{"<|user|>": 1500}`, in the order of the ids. */
function legacyTokens(json: JsonRecord, special: ReadonlySet<string>, where: string): TokenToAdd[] {
  return Object.entries(json)
    .map(([content, id]): TokenToAdd => {
      if (!isTokenId(id)) throw new FormatError(`the id of ${shown(content)} is not an id.`, { where });
      return { ...tokenOf(content, special.has(content), where), statedId: id };
    })
    .toSorted((a, b) => (a.statedId ?? 0) - (b.statedId ?? 0));
}
