/**
 * Which tokens begin and end a text, from `tokenizer_config.json` and the post-processor of
 * `tokenizer.json`.
 */
import { FormatError } from '../errors.ts';
import { flagField, isRecord, isTokenId, listField, shown, type JsonRecord } from './jsonFields.ts';

export interface SpecialTokens {
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  readonly addsBos: boolean;
}

/**
 * The configuration names the tokens; where it does not, the post-processor's first and last token
 * count. Likewise `add_bos_token` decides over the post-processor whether a text begins with a BOS.
 * @param idOf ids of all pieces, added tokens included.
 * @throws FormatError for a token that is not in the vocabulary, and for fields of a wrong type.
 */
export function readSpecialTokens(
  postProcessor: unknown,
  config: JsonRecord,
  idOf: ReadonlyMap<string, number>,
  name: string,
): SpecialTokens {
  const around = tokensAround(postProcessor, `${name}: post_processor`, 0);
  for (const text of [around.first, around.last]) {
    if (text !== null && !idOf.has(text)) throw unknownToken('post_processor', text, name);
  }
  const where = `${name}: tokenizer configuration`;
  const bos = configToken(config, 'bos_token', idOf, where) ?? around.first;
  const eos = configToken(config, 'eos_token', idOf, where) ?? around.last;
  const bosTokenId = bos === null ? null : (idOf.get(bos) ?? null);
  return {
    bosTokenId,
    eosTokenId: eos === null ? null : (idOf.get(eos) ?? null),
    addsBos: bosTokenId !== null && flagField(config, 'add_bos_token', around.first !== null, where),
  };
}

/** A token given as its text or as `{"content": text}`. */
function configToken(config: JsonRecord, key: string, idOf: ReadonlyMap<string, number>, where: string): string | null {
  const value = config[key] ?? null;
  const text = isRecord(value) ? value.content : value;
  if (text === null || text === '') return null;
  if (typeof text !== 'string') throw new FormatError(`'${key}' is not a token.`, { where });
  if (!idOf.has(text)) throw unknownToken(key, text, where);
  return text;
}

interface Around {
  first: string | null;
  last: string | null;
}

/** The special tokens that a post-processor puts before and after a single text. */
function tokensAround(json: unknown, where: string, depth: number): Around {
  const nothing: Around = { first: null, last: null };
  if (json === null || json === undefined) return nothing;
  if (!isRecord(json)) throw new FormatError('is not a JSON object.', { where });
  if (json.type === 'Sequence') {
    if (depth === 8) throw new FormatError('nests too deep.', { where });
    const parts = listField(json, 'processors', where).map((part) => tokensAround(part, where, depth + 1));
    return parts.reduce((a, b) => ({ first: b.first ?? a.first, last: b.last ?? a.last }), nothing);
  }
  if (json.type === 'TemplateProcessing') {
    const template = listField(json, 'single', where);
    return { first: templateToken(template.at(0), where), last: templateToken(template.at(-1), where) };
  }
  if (json.type === 'RobertaProcessing' || json.type === 'BertProcessing') {
    return { first: pairedToken(json, 'cls', where), last: pairedToken(json, 'sep', where) };
  }
  return nothing;
}

function templateToken(item: unknown, where: string): string | null {
  if (!isRecord(item)) throw new FormatError("'single' is not a template.", { where });
  if (!isRecord(item.SpecialToken)) return null;
  const { id } = item.SpecialToken;
  if (typeof id !== 'string') throw new FormatError("'single' is not a template.", { where });
  return id;
}

function pairedToken(json: JsonRecord, key: string, where: string): string {
  const pair: unknown = json[key];
  if (!Array.isArray(pair) || typeof pair[0] !== 'string' || !isTokenId(pair[1])) {
    throw new FormatError(`'${key}' is not a pair of text and id.`, { where });
  }
  return pair[0];
}

function unknownToken(key: string, text: string, where: string): FormatError {
  return new FormatError(`${key} ${shown(text)} is not in the vocabulary.`, { where });
}
