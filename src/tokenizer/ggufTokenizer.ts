/**
 * The tokenizer inside a GGUF file (`tokenizer.ggml.*` keys): its tables are put into the form of a
 * `tokenizer.json`, so that one pipeline tokenises for both formats. Keys and token types: the GGUF
 * specification of the ggml project.
 */
import { NotFoundError, UnsupportedModelError } from '../errors.ts';
import { GgufKeys, type GgufMetadata } from './ggufKeys.ts';
import { hfTokenizer } from './hfTokenizer.ts';
import { shown, type JsonRecord } from './jsonFields.ts';
import { mergesFromScores } from './mergesFromScores.ts';
import { withoutRepeats } from './repeatedTokens.ts';
import { preTokenizers, unsupportedPreTokenizers } from './ggufSplits.ts';
import type { Tokenizer } from './tokenizer.ts';

export type { GgufMetadata } from './ggufKeys.ts';

/** The values of `tokenizer.ggml.token_type`. */
const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/**
 * SentencePiece makes pieces of 16 characters unless told otherwise. All ways to cut each piece are
 * tried, so that without a bound one long piece would take forever.
 */
const MAX_PIECE_LENGTH = 512;

interface Table {
  readonly tokens: readonly string[];
  readonly types: ArrayLike<number>;
}

/** What differs between the two kinds of vocabulary. */
interface Scheme {
  readonly json: JsonRecord;
  /** Of the merges; null where it is their order. */
  readonly ranks: ArrayLike<number> | null;
  readonly addsBos: boolean;
}

/**
 * The tokenizer of a GGUF file. Model `gpt2` is byte-level byte-pair encoding with a named way to
 * split words (`tokenizer.ggml.pre`); model `llama` is SentencePiece's byte-pair encoding with
 * scores and byte fallback. Control and unknown tokens are special; user-defined ones are words
 * that are matched before all others.
 * @param name of the file, for messages.
 * @throws NotFoundError for a file without a tokenizer; FormatError for arrays that are missing,
 * mistyped or of different lengths; UnsupportedModelError for another model or way to split, since
 * the tokens would silently be other ones.
 */
export function ggufTokenizer(metadata: GgufMetadata, name: string): Tokenizer {
  const keys = new GgufKeys(metadata, name);
  const model = keys.text('model');
  // A file may come without a tokenizer.
  if (model === null || model === 'none') throw new NotFoundError('the file has no tokenizer.', { where: name });
  if (model !== 'gpt2' && model !== 'llama') {
    throw new UnsupportedModelError(`tokenizer.ggml.model ${shown(model, 40)} is not supported.`, {
      where: name,
      remedy: 'Supported: gpt2, llama.',
    });
  }
  const table = readTable(keys);
  const { tokens } = table;
  const { json, ranks, addsBos } = model === 'gpt2' ? byteLevelScheme(keys, table) : sentencePieceScheme(keys, table);

  const config = {
    bos_token: namedToken(keys, 'bos_token_id', tokens),
    eos_token: namedToken(keys, 'eos_token_id', tokens),
    add_bos_token: keys.flag('add_bos_token') ?? addsBos,
  };
  return hfTokenizer({ ...json, added_tokens: addedTokens(table), post_processor: null }, config, name, ranks);
}

function byteLevelScheme(keys: GgufKeys, table: Table): Scheme {
  const pre = keys.text('pre');
  if (pre === null || !Object.hasOwn(preTokenizers, pre)) throw unknownSplit(pre, keys.name);
  const { splits, normalizer, ignoreMerges, addsBos } = preTokenizers[pre];
  const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  return {
    addsBos,
    ranks: null,
    json: {
      normalizer,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [...splits, bytes] },
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab: vocabOf(table), merges: keys.texts('merges'), ignore_merges: ignoreMerges },
    },
  };
}

function unknownSplit(pre: string | null, where: string): UnsupportedModelError {
  if (pre === null) {
    return new UnsupportedModelError('tokenizer.ggml.pre is missing: how words are split is not known.', {
      where,
      remedy: 'Convert the model again, or give token ids.',
    });
  }
  const known = Object.hasOwn(unsupportedPreTokenizers, pre) ? `: ${unsupportedPreTokenizers[pre]}` : '';
  return new UnsupportedModelError(`tokenizer.ggml.pre ${shown(pre, 40)} is not supported${known}.`, {
    where,
    remedy: 'Words would be split differently. src/tokenizer/README.md lists the names that are supported.',
  });
}

function sentencePieceScheme(keys: GgufKeys, table: Table): Scheme {
  const scores = keys.numbers('scores');
  if (scores === null) throw keys.bad('scores', 'is missing.');
  if (scores.length !== table.tokens.length) {
    throw keys.bad('scores', `has ${scores.length} entries for ${table.tokens.length} tokens.`);
  }
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const prefixed = keys.flag('add_space_prefix') ?? true;
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  const decoders = [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ];
  const mergeable = table.tokens.map((token, id) => (table.types[id] === tokenType.normal ? token : null));
  const long = mergeable.findIndex((piece) => (piece?.length ?? 0) > MAX_PIECE_LENGTH);
  if (long >= 0) throw keys.bad('tokens', `has ${table.tokens[long].length} characters in token ${long}.`);
  const unknown = table.tokens.find((token, id) => token !== '' && table.types[id] === tokenType.unknown) ?? null;
  const { merges, ranks } = mergesFromScores(mergeable, scores);
  return {
    addsBos: true,
    ranks,
    json: {
      normalizer: prefixed ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, spaces] } : spaces,
      pre_tokenizer: null,
      decoder: { type: 'Sequence', decoders: prefixed ? [...decoders, strip] : decoders },
      model: {
        type: 'BPE',
        vocab: vocabOf(table),
        merges,
        unk_token: unknown,
        fuse_unk: true,
        byte_fallback: true,
      },
    },
  };
}

/**
 * Tokens and their types, each text once. @throws UnsupportedModelError for two tokens of one text.
 */
function readTable(keys: GgufKeys): Table {
  const tokens = keys.texts('tokens');
  const types = readTypes(keys, tokens.length);
  const isText = (id: number): boolean =>
    types[id] === tokenType.normal || types[id] === tokenType.userDefined || types[id] === tokenType.byte;
  const refuse = (first: number, second: number): UnsupportedModelError =>
    new UnsupportedModelError(
      `tokens ${first} and ${second} are both ${shown(tokens[first])}; the file does not say which one a text means.`,
      { where: keys.name, remedy: 'Convert the model again, or give token ids as a .json array.' },
    );
  return { tokens: withoutRepeats(tokens, isText, namedIds(keys), refuse), types };
}

/** Ids that keys of their own point at. */
function namedIds(keys: GgufKeys): Set<number> {
  const names = ['bos_token_id', 'eos_token_id', 'unknown_token_id', 'padding_token_id'];
  return new Set(names.map((key) => keys.id(key)).filter((id) => id !== null));
}

/** Without types, the tokens that other keys point at are control tokens and the rest is text. */
function readTypes(keys: GgufKeys, count: number): ArrayLike<number> {
  const types = keys.numbers('token_type');
  if (types === null) {
    const control = namedIds(keys);
    return Array.from({ length: count }, (_, id) => (control.has(id) ? tokenType.control : tokenType.normal));
  }
  if (types.length !== count) throw keys.bad('token_type', `has ${types.length} entries for ${count} tokens.`);
  for (let id = 0; id < count; id++) {
    if (!Number.isInteger(types[id]) || types[id] < 0 || types[id] > tokenType.byte) {
      throw keys.bad('token_type', `${types[id]} of token ${id} is unknown.`);
    }
  }
  return types;
}

/** Pieces that text is made of. Control and user-defined tokens are no product of merging. */
function vocabOf({ tokens, types }: Table): Record<string, number> {
  const entries = tokens.map((token, id): [string, number] => [token, id]);
  return Object.fromEntries(
    entries.filter(
      ([token, id]) => token !== '' && types[id] !== tokenType.control && types[id] !== tokenType.userDefined,
    ),
  );
}

function addedTokens({ tokens, types }: Table): object[] {
  return tokens.flatMap((content, id) => {
    const special = types[id] === tokenType.control || types[id] === tokenType.unknown;
    return special || types[id] === tokenType.userDefined ? [{ id, content, special, normalized: false }] : [];
  });
}

function namedToken(keys: GgufKeys, key: string, tokens: readonly string[]): string | null {
  const id = keys.id(key);
  if (id === null) return null;
  if (id >= tokens.length) throw keys.bad(key, `${id} lies outside the ${tokens.length} tokens.`);
  return tokens[id];
}
