/**
 * The small files beside a tokenizer.json, against what python `transformers` makes of the same
 * files.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { configuredTokenizer } from '../../src/tokenizer/fromJson.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import type { TokenizerConfigFiles } from '../../src/tokenizer/tokenizerConfig.ts';
import { realFiles, realModels } from './realTokenizers.ts';
import { smallByteLevelJson, smallSentencePieceJson } from './smallTokenizers.ts';

interface Case {
  title: string;
  base: 'byteLevel' | 'sentencePiece';
  patch: object;
  config?: object;
  map?: object;
  added?: object;
  ids: number[][];
}

const golden = JSON.parse(readFileSync(new URL('data/tokenizerConfig.json', import.meta.url), 'utf8')) as {
  texts: string[];
  cases: Case[];
};

/** With ids that follow each other, as in every real file. */
function base(kind: Case['base']): Record<string, unknown> {
  const json = kind === 'byteLevel' ? smallByteLevelJson() : smallSentencePieceJson();
  for (const token of json.added_tokens) if (token.id >= 300) token.id -= kind === 'byteLevel' ? 42 : 39;
  return json;
}

const filesOf = ({ config, map, added }: Case): TokenizerConfigFiles => ({
  config,
  specialTokensMap: map,
  addedTokens: added,
});

describe('as transformers', () => {
  it.each(golden.cases)('$title', (golden_) => {
    const { tokenizer, warnings } = configuredTokenizer(
      { ...base(golden_.base), ...golden_.patch },
      filesOf(golden_),
      'model',
    );
    for (const [index, text] of golden.texts.entries()) {
      expect(tokenizer.encode(text), text).toEqual(golden_.ids[index]);
    }
    const moved = golden_.title === 'ids that are not the next ones';
    expect(warnings).toHaveLength(moved ? 2 : 0);
  });
});

const configured = (config: unknown, more: TokenizerConfigFiles = {}) =>
  configuredTokenizer(base('byteLevel'), { config, ...more }, 'model');

describe('what the user is told', () => {
  it('that a token has another id than its file states', () => {
    const token = { content: '<|user|>', special: true };
    expect(configured({ added_tokens_decoder: { 900: token } }).warnings).toEqual([
      'model: tokenizer_config.json: token "<|user|>" is said to have id 900; it has 260 here, as in transformers.',
    ]);
  });

  it('which fields are not applied', () => {
    const config = {
      new_field: 1,
      other: { a: 1 },
      split_special_tokens: true,
      add_eos_token: true,
      do_lower_case: true,
    };
    expect(configured(config).warnings).toEqual([
      'model: tokenizer_config.json: fields that are not applied: "new_field": 1, "other", "split_special_tokens": true, ' +
        '"add_eos_token": true, "do_lower_case": true.',
    ]);
  });

  it('nothing of fields that change no token, or are at the value that changes none', () => {
    const inert = {
      tokenizer_class: 'X',
      chat_template: '…',
      model_max_length: 1e30,
      clean_up_tokenization_spaces: true,
    };
    const neutral = { split_special_tokens: false, add_eos_token: false, strip_accents: null, keep_accents: true };
    expect(configured({ ...inert, ...neutral }).warnings).toEqual([]);
  });

  it('that add_prefix_space finds no stage', () => {
    const json = { ...base('byteLevel'), pre_tokenizer: { type: 'Digits' } };
    const read = (wanted: boolean) => configuredTokenizer(json, { config: { add_prefix_space: wanted } }, 'm').warnings;
    expect(read(true)).toEqual([
      expect.stringMatching(/add_prefix_space has no stage in tokenizer\.json, not applied/),
    ]);
    expect(read(false)).toEqual([]);
  });
});

describe('a prefix space', () => {
  it('goes to a ByteLevel inside a Sequence, too', () => {
    const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
    const json = { ...base('byteLevel'), pre_tokenizer: { type: 'Sequence', pretokenizers: [bytes] } };
    const ids = (wanted: boolean) =>
      configuredTokenizer(json, { config: { add_prefix_space: wanted } }, 'm').tokenizer.encode('ab');
    expect(ids(true)).toEqual([32, 256]);
    expect(ids(false)).toEqual([256]);
  });

  it('that is taken away leaves the text’s own space in what is decoded', () => {
    const prepend = { type: 'Prepend', prepend: '▁' };
    const json = base('sentencePiece');
    const patched = {
      ...json,
      normalizer: { type: 'Sequence', normalizers: [prepend, json.normalizer] },
      decoder: {
        type: 'Sequence',
        decoders: [
          ...(json.decoder as { decoders: object[] }).decoders,
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
    };
    const { tokenizer } = configuredTokenizer(patched, { config: { add_prefix_space: false } }, 'm');
    expect(tokenizer.decode(tokenizer.encode(' ab'))).toBe(' ab');
  });
});

it.each(realModels)('real files change nothing that tokenizer.json has, without a word: %s', (model) => {
  const { json, config } = realFiles(model);
  const plain = hfTokenizer(json, config, model);
  const { tokenizer, warnings } = configuredTokenizer(json, { config }, model);
  expect(warnings).toEqual([]);
  const { vocabSize, bosTokenId, eosTokenId, addsBos } = plain;
  expect(tokenizer).toMatchObject({ vocabSize, bosTokenId, eosTokenId, addsBos });
});

it('a tokenizer of ours has nothing to configure', () => {
  const { tokenizer, warnings } = configuredTokenizer({ type: 'blockpruner-byte' }, { config: { x: 1 } }, 'm');
  expect(tokenizer.description).toBe('bytes (m: tokenizer.json)');
  expect(warnings).toEqual([]);
});

it.each<[string, TokenizerConfigFiles, RegExp]>([
  ['a list', { config: [] }, /^model: tokenizer_config\.json: is not a JSON object/],
  ['a map that is a list', { specialTokensMap: [] }, /^model: special_tokens_map\.json: is not a JSON object/],
  ['added tokens that are a list', { addedTokens: [] }, /^model: added_tokens\.json: is not a JSON object/],
  ['a decoder that is a list', { config: { added_tokens_decoder: [] } }, /added_tokens_decoder: is not a JSON object/],
  ['an id that is none', { config: { added_tokens_decoder: { x: { content: 'a' } } } }, /"x" is not a token id/],
  [
    'a token without text',
    { config: { added_tokens_decoder: { 260: {} } } },
    /added_tokens_decoder: 'content' is not a string/,
  ],
  [
    'a flag that is none',
    { config: { added_tokens_decoder: { 260: { content: 'q', special: 1 } } } },
    /'special' is nei/,
  ],
  ['an id of text', { addedTokens: { q: '260' } }, /the id of "q" is not an id/],
  ['a named token that is a number', { config: { pad_token: 7 } }, /'pad_token' is not a token/],
  ['special tokens that are text', { config: { additional_special_tokens: 'x' } }, /is not a list/],
  ['special tokens that are numbers', { config: { additional_special_tokens: [7] } }, /neither text nor an object/],
  ['a prefix that is text', { config: { add_prefix_space: 'yes' } }, /'add_prefix_space' is neither true nor false/],
])('%s is refused', (_, files, message) => {
  const read = () => configuredTokenizer(base('byteLevel'), files, 'model');
  expect(read).toThrow(FormatError);
  expect(read).toThrow(message);
});
