import { describe, expect, it } from 'vitest';
import { FormatError, NotFoundError, UnsupportedModelError } from '../../src/errors.ts';
import { ggufTokenizer, type GgufMetadata } from '../../src/tokenizer/ggufTokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { ggufMetadataOf } from './realTokenizers.ts';
import { smallByteLevelJson, smallSentencePieceJson } from './smallTokenizers.ts';

/** Fresh metadata of a small tokenizer of each kind. */
const small = {
  byteLevel: () => new Map(ggufMetadataOf({ json: smallByteLevelJson(), config: {} }, 'gpt-2')),
  sentencePiece: () => new Map(ggufMetadataOf({ json: smallSentencePieceJson(), config: {} }, null)),
};
type Kind = keyof typeof small;

const changed = (kind: Kind, key: string, value: unknown): GgufMetadata => {
  const metadata = small[kind]();
  if (value === undefined) metadata.delete(`tokenizer.ggml.${key}`);
  else metadata.set(`tokenizer.ggml.${key}`, value);
  return metadata;
};

describe('metadata that is wrong', () => {
  const tokens = small.byteLevel().get('tokenizer.ggml.tokens') as string[];

  it.each<[Kind, string, unknown, RegExp]>([
    ['byteLevel', 'tokens', undefined, /tokens is missing/],
    ['byteLevel', 'tokens', 'abc', /tokens is not a list/],
    ['byteLevel', 'tokens', tokens.with(3, 7 as unknown as string), /tokens holds something that is not a string/],
    ['byteLevel', 'tokens', tokens.slice(1), /token_type has 302 entries for 301 tokens/],
    ['byteLevel', 'merges', undefined, /merges is missing/],
    ['byteLevel', 'merges', ['a q'], /merge 0 needs "aq"/],
    ['byteLevel', 'merges', ['ab'], /merge 0 is not a pair/],
    ['byteLevel', 'token_type', 'x', /token_type is not a list/],
    ['byteLevel', 'token_type', Array.from({ length: 302 }, () => 9), /token_type 9 of token 0 is unknown/],
    [
      'byteLevel',
      'token_type',
      Array.from({ length: 302 }, () => true),
      /token_type holds something that is not a number/,
    ],
    ['byteLevel', 'model', 7, /model is not a string/],
    ['byteLevel', 'pre', 7, /pre is not a string/],
    ['byteLevel', 'bos_token_id', 302, /bos_token_id 302 lies outside the 302 tokens/],
    ['byteLevel', 'bos_token_id', -1, /bos_token_id is not a token id/],
    ['byteLevel', 'eos_token_id', 2n ** 60n, /eos_token_id 1152921504606847000 lies outside/],
    ['byteLevel', 'eos_token_id', 'x', /eos_token_id is not a token id/],
    ['byteLevel', 'add_bos_token', 1, /add_bos_token is neither true nor false/],
    ['sentencePiece', 'scores', undefined, /scores is missing/],
    ['sentencePiece', 'scores', 7, /scores is not a list/],
    ['sentencePiece', 'scores', Float32Array.of(1), /scores has 1 entries for 302 tokens/],
    ['sentencePiece', 'scores', new Float32Array(302).fill(NaN), /scores holds something that is not a number/],
    ['sentencePiece', 'add_space_prefix', 'no', /add_space_prefix is neither true nor false/],
  ])('%s with a wrong %s is a FormatError', (kind, key, value, message) => {
    const read = () => ggufTokenizer(changed(kind, key, value), 'x.gguf');
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^x\.gguf: /);
  });

  it.each<[Kind, string, unknown, RegExp]>([
    ['byteLevel', 'model', 'bert', /model "bert" is not supported. Supported: gpt2, llama/],
    ['byteLevel', 'pre', 'my\u001b[2Jpre', /pre "my\\u001b\[2Jpre" is not supported/],
    ['byteLevel', 'pre', 'constructor', /pre "constructor" is not supported/],
    ['byteLevel', 'pre', undefined, /pre is missing/],
  ])('%s with an unknown %s is unsupported', (kind, key, value, message) => {
    const read = () => ggufTokenizer(changed(kind, key, value), 'x.gguf');
    expect(read).toThrow(UnsupportedModelError);
    expect(read).toThrow(message);
  });

  it('refuses a piece so long that trying all its cuts would take hours', () => {
    const metadata = small.sentencePiece();
    const pieces = metadata.get('tokenizer.ggml.tokens') as string[];
    metadata.set('tokenizer.ggml.tokens', pieces.with(258, 'a'.repeat(5e6)));
    expect(() => ggufTokenizer(metadata, 'x')).toThrow(/tokens has 5000000 characters in token 258/);
  });
});

describe('a text that two tokens have', () => {
  /**
   * The small byte-level tokenizer with more tokens, of these types (1 normal, 3 control, 5
   * unused).
   */
  const more = (added: readonly (readonly [string, number])[], keys: Record<string, unknown> = {}): Tokenizer => {
    const metadata = small.byteLevel();
    const [tokens, types] = ['tokens', 'token_type'].map((key) => metadata.get(`tokenizer.ggml.${key}`));
    metadata.set('tokenizer.ggml.tokens', [...(tokens as string[]), ...added.map(([token]) => token)]);
    metadata.set(
      'tokenizer.ggml.token_type',
      Int32Array.from([...(types as Int32Array), ...added.map(([, type]) => type)]),
    );
    for (const [key, value] of Object.entries(keys)) metadata.set(`tokenizer.ggml.${key}`, value);
    return ggufTokenizer(metadata, 'x.gguf');
  };
  const [pad, end] = [['<pad>', 3] as const, ['<end>', 3] as const];
  const text = 'ab a naïve';

  it('is the last one’s where none of them is for text, and the rest stays as it is', () => {
    const tokenizer = more([pad, pad, ['[PAD]', 5], ['[PAD]', 5]]);
    expect(tokenizer.vocabSize).toBe(306);
    expect(tokenizer.encode(`${text}<pad>`)).toEqual([...more([]).encode(text), 303]);
    expect(tokenizer.decode([303, 302], { keepSpecial: true })).toBe('<pad>');
  });

  it('is the one’s that the file names', () => {
    const tokenizer = more([end, end, end], { eos_token_id: 303, bos_token_id: 300 });
    expect(tokenizer).toMatchObject({ eosTokenId: 303, bosTokenId: 300 });
    expect(tokenizer.encode('<end>')).toEqual([303]);
  });

  it('is the one’s that text is made of', () => {
    expect(more([['ab', 5]]).encode('ab')).toEqual([256]);
    expect(more([['ab', 3]]).encode('ab')).toEqual([256]);
  });

  it('is nobody’s where both are for text: the tokenizer is refused', () => {
    const read = () => more([['ab', 1]]);
    expect(read).toThrow(UnsupportedModelError);
    expect(read).toThrow(/tokens 256 and 302 are both "ab"; the file does not say which one a text means/);
  });
});

describe('what the file leaves out', () => {
  it.each<[string, Kind, string | null, boolean]>([
    ['llama', 'sentencePiece', null, true],
    ['gpt2, llama-bpe', 'byteLevel', 'llama-bpe', true],
    ['gpt2, qwen2', 'byteLevel', 'qwen2', false],
    ['gpt2, gpt-2', 'byteLevel', 'gpt-2', false],
  ])('whether a text begins with a BOS: %s', (_, kind, pre, expected) => {
    const metadata = changed(kind, 'add_bos_token', undefined) as Map<string, unknown>;
    metadata.set('tokenizer.ggml.bos_token_id', 300);
    if (pre !== null) metadata.set('tokenizer.ggml.pre', pre);
    expect(ggufTokenizer(metadata, 'x')).toMatchObject({ bosTokenId: 300, addsBos: expected });
    metadata.set('tokenizer.ggml.add_bos_token', !expected);
    expect(ggufTokenizer(metadata, 'x').addsBos).toBe(!expected);
  });

  it('token types: the tokens that other keys name are special', () => {
    const metadata = changed('byteLevel', 'token_type', undefined) as Map<string, unknown>;
    metadata.set('tokenizer.ggml.eos_token_id', 301n);
    const tokenizer = ggufTokenizer(metadata, 'x');
    expect([300, 301].map(tokenizer.byteLength)).toEqual([3, 0]);
    expect(tokenizer.encode('</s>')).toEqual([301]);
  });

  it('a prefix space, where it says so', () => {
    const tokens = (value: boolean | undefined) =>
      ggufTokenizer(changed('sentencePiece', 'add_space_prefix', value), 'x').encode('ab');
    expect(tokens(undefined)).toEqual([257, 260]);
    expect(tokens(true)).toEqual([257, 260]);
    expect(tokens(false)).toEqual([260]);
  });

  it.each([undefined, 'none'])('the tokenizer (model %s), which is said as it is', (value) => {
    const read = () => ggufTokenizer(changed('byteLevel', 'model', value), 'x.gguf');
    expect(read).toThrow(NotFoundError);
    expect(read).toThrow(/^x\.gguf: the file has no tokenizer\.$/);
  });
});
