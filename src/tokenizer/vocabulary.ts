/**
 * The vocabulary of a `tokenizer.json`: its model's pieces, its merges and its added tokens,
 * checked.
 */
import { FormatError, UnsupportedModelError } from '../errors.ts';
import { flagField, isRecord, isTokenId, listField, shown, textField, type JsonRecord } from './jsonFields.ts';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /**
   * Special tokens stand for no text. The others are words that are matched before anything else.
   */
  readonly special: boolean;
  readonly normalized: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Whether it is matched only where no letter or digit touches it. */
  readonly single_word: boolean;
}

/** A byte-pair encoding model, its fields named as in the file. */
export interface BpeModel {
  /** The model's own pieces, without the added tokens. */
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  /** The rank of each merge; null where it is their order. */
  readonly ranks: ArrayLike<number> | null;
  readonly unk_token: string | null;
  readonly fuse_unk: boolean;
  readonly byte_fallback: boolean;
  readonly ignore_merges: boolean;
}

export interface Vocabulary {
  readonly model: BpeModel;
  readonly added: readonly AddedToken[];
  /** The piece of each id, as stored; undefined for ids that no token has. */
  readonly pieces: readonly (string | undefined)[];
  readonly idOf: ReadonlyMap<string, number>;
}

/**
 * @param ranks of the merges, where several have the same one; a `tokenizer.json` has them in
 * order.
 * @throws FormatError for pieces without a proper id, ids given twice and merges of or into pieces
 * that do not exist; UnsupportedModelError for another model than byte-pair encoding, and for
 * settings of it that are not supported.
 */
export function readVocabulary(json: JsonRecord, name: string, ranks: ArrayLike<number> | null = null): Vocabulary {
  const where = `${name}: model`;
  if (!isRecord(json.model)) throw new FormatError('is not a JSON object.', { where });
  const { model } = json;
  // Older files leave the type out; merges are what tells byte-pair encoding from the others.
  const type = model.type ?? (Array.isArray(model.merges) ? 'BPE' : 'without merges');
  if (typeof type !== 'string') throw new FormatError("'type' is not a string.", { where });
  if (type !== 'BPE') {
    throw new UnsupportedModelError(`a tokenizer ${shown(type, 40)} is not supported.`, {
      where,
      remedy: 'Supported: BPE.',
    });
  }
  for (const key of ['continuing_subword_prefix', 'continuing_subword_suffix', 'end_of_word_suffix']) {
    if ((model[key] ?? '') !== '') throw new UnsupportedModelError(`'${key}' is not supported.`, { where });
  }
  if ((model.dropout ?? 0) !== 0) {
    throw new UnsupportedModelError("'dropout' makes the tokens random, which is not supported.", { where });
  }
  const { pieces, idOf } = readPieces(model, where);
  const vocab = new Map(idOf);
  const merges = readMerges(model, idOf, where);
  const added = readAdded(json, name);
  for (const token of added) {
    const { id, content } = token;
    if ((pieces[id] ?? content) !== content || (idOf.get(content) ?? id) !== id) {
      throw new FormatError(`added token ${shown(content)} and the vocabulary disagree about id ${id}.`, { where });
    }
    pieces[id] = content;
    idOf.set(content, id);
  }
  const unknown = model.unk_token ?? null;
  if (unknown !== null && (typeof unknown !== 'string' || !idOf.has(unknown))) {
    throw new FormatError("'unk_token' is not in the vocabulary.", { where });
  }
  // An unknown token that is only an added one stands for unknown text all the same.
  if (unknown !== null && !vocab.has(unknown)) vocab.set(unknown, idOf.get(unknown) ?? 0);
  return {
    model: {
      vocab,
      merges,
      ranks,
      unk_token: unknown,
      fuse_unk: flagField(model, 'fuse_unk', false, where),
      byte_fallback: flagField(model, 'byte_fallback', false, where),
      ignore_merges: flagField(model, 'ignore_merges', false, where),
    },
    added,
    pieces,
    idOf,
  };
}

function readPieces(model: JsonRecord, where: string): { pieces: (string | undefined)[]; idOf: Map<string, number> } {
  if (!isRecord(model.vocab)) throw new FormatError("'vocab' is not a JSON object.", { where });
  const pieces: (string | undefined)[] = [];
  const idOf = new Map<string, number>();
  for (const [piece, id] of Object.entries(model.vocab)) {
    if (!isTokenId(id)) throw new FormatError(`the id of ${shown(piece)} is not an id.`, { where });
    if (pieces[id] !== undefined) {
      throw new FormatError(`${shown(pieces[id])} and ${shown(piece)} both have id ${id}.`, { where });
    }
    pieces[id] = piece;
    idOf.set(piece, id);
  }
  return { pieces, idOf };
}

/** Merges come as "a b" or, since pieces may hold spaces, as ["a", "b"]. */
function readMerges(model: JsonRecord, idOf: ReadonlyMap<string, number>, where: string): [string, string][] {
  return Array.from(listField(model, 'merges', where), (merge, rank) => {
    const pair: unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
    const [left, right] = pair;
    if (pair.length !== 2 || typeof left !== 'string' || typeof right !== 'string') {
      throw new FormatError(`merge ${rank} is not a pair of pieces.`, { where });
    }
    const missing = [left, right, left + right].find((piece) => !idOf.has(piece));
    if (missing !== undefined) {
      throw new FormatError(`merge ${rank} needs ${shown(missing)}, which is not in the vocabulary.`, { where });
    }
    return [left, right];
  });
}

function readAdded(json: JsonRecord, name: string): AddedToken[] {
  const where = `${name}: added_tokens`;
  const tokens = listField(json, 'added_tokens', where).map((token, index): AddedToken => {
    if (!isRecord(token)) throw new FormatError(`entry ${index} is not a JSON object.`, { where });
    const { id } = token;
    if (!isTokenId(id)) throw new FormatError(`the id of entry ${index} is not an id.`, { where });
    const special = flagField(token, 'special', false, where);
    return {
      id,
      content: textField(token, 'content', where),
      special,
      normalized: flagField(token, 'normalized', !special, where),
      lstrip: flagField(token, 'lstrip', false, where),
      rstrip: flagField(token, 'rstrip', false, where),
      single_word: flagField(token, 'single_word', false, where),
    };
  });
  // An empty text can be found everywhere, so it is found nowhere.
  return tokens.filter((token) => token.content !== '');
}
