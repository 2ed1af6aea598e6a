import { test } from '@fast-check/vitest';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { DataError, FormatError, UnsupportedModelError } from '../../src/errors.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { INSTALL_VOCABULARIES, realFiles, realModels } from './realTokenizers.ts';
import { smallByteLevelJson, smallSentencePieceJson } from './smallTokenizers.ts';
import { someText, trickyTexts } from './trickyTexts.ts';

const bytes = (text: string): number => new TextEncoder().encode(text).length;
const summed = (ids: readonly number[], byteLength: (id: number) => number): number =>
  ids.reduce((sum, id) => sum + byteLength(id), 0);

const large = ['llama3', 'qwen3'];

if (!large.every((model) => realModels.includes(model)))
  it.skip(`with llama3 and qwen3, which need: ${INSTALL_VOCABULARIES}`, () => undefined);

describe.each(large.filter((model) => realModels.includes(model)))('%s, byte-level', (model) => {
  const files = realFiles(model);
  const tokenizer = hfTokenizer(files.json, files.config, model);
  // Qwen composes accents before anything else.
  const normal = (text: string): string => (model === 'qwen3' ? text.normalize('NFC') : text);

  test.prop([someText], { examples: trickyTexts.map((text) => [text]) })('gives back every text', (text) => {
    const ids = tokenizer.encode(text, { parseSpecial: false });
    expect(tokenizer.decode(ids)).toBe(normal(text));
    expect(summed(ids, tokenizer.byteLength)).toBe(bytes(normal(text)));
  });

  test.prop([someText])('parses special tokens, which have no bytes', (text) => {
    const [special] = files.json.added_tokens;
    const ids = tokenizer.encode(`${text}${special.content}${text}`);
    expect(ids).toContain(special.id);
    expect(tokenizer.byteLength(special.id)).toBe(0);
    expect(tokenizer.encode(special.content, { parseSpecial: false })).not.toContain(special.id);
    expect(tokenizer.decode([special.id])).toBe('');
    expect(tokenizer.decode([special.id], { keepSpecial: true })).toBe(special.content);
  });
});

describe('llama2, SentencePiece-like', () => {
  const files = realFiles('llama2');
  const tokenizer = hfTokenizer(files.json, files.config, 'llama2');
  const library = new Library(files.json, files.config);

  test.prop([someText], { numRuns: 300, examples: trickyTexts.map((text) => [text]) })(
    'splits at words without changing a token',
    (text) => {
      expect(tokenizer.encode(text)).toEqual(library.encode(text, { add_special_tokens: false }).ids);
    },
  );

  test.prop([someText], { examples: trickyTexts.map((text) => [text]) })(
    'gives back every text, with one space more in the tokens and ▁ read as a space',
    (text) => {
      const ids = tokenizer.encode(text, { parseSpecial: false });
      const spaced = text.replaceAll('▁', ' ');
      expect(tokenizer.decode(ids)).toBe(spaced);
      expect(summed(ids, tokenizer.byteLength)).toBe(text === '' ? 0 : bytes(spaced) + 1);
    },
  );

  it('counts byte tokens as one byte and special tokens as none', () => {
    expect(tokenizer.byteLength(files.json.model.vocab['<0x0A>'])).toBe(1);
    expect(tokenizer.byteLength(files.json.model.vocab['▁the'])).toBe(4);
    expect([0, 1, 2, 1e6, -1].map(tokenizer.byteLength)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('BOS and EOS', () => {
  it('come from the configuration', () => {
    const { json, config } = realFiles('llama2');
    expect(hfTokenizer(json, config, 'x')).toMatchObject({ bosTokenId: 1, eosTokenId: 2, addsBos: true });
    expect(hfTokenizer(json, { ...config, add_bos_token: false }, 'x').addsBos).toBe(false);
    expect(hfTokenizer(json, { eos_token: { content: '</s>' } }, 'x')).toMatchObject({ bosTokenId: 1, eosTokenId: 2 });
  });

  it('come from the post-processor where there is no configuration', () => {
    expect(hfTokenizer(realFiles('llama2').json, null, 'x')).toMatchObject({
      bosTokenId: 1,
      eosTokenId: null,
      addsBos: true,
    });
    const json = smallByteLevelJson();
    expect(hfTokenizer(json, undefined, 'x')).toMatchObject({ bosTokenId: null, eosTokenId: null, addsBos: false });
    json.post_processor = {
      type: 'Sequence',
      processors: [{ type: 'RobertaProcessing', cls: ['<s>', 300], sep: ['</s>', 301] }],
    };
    expect(hfTokenizer(json, undefined, 'x')).toMatchObject({ bosTokenId: 300, eosTokenId: 301, addsBos: true });
  });

  it('are never added by encode', () => {
    const { json, config } = realFiles('llama2');
    expect(hfTokenizer(json, config, 'x').encode('a')).not.toContain(1);
  });
});

describe('white space and digits', () => {
  it.each([
    ['a\ufeff b', 'U+FEFF is no white space'],
    ['a\u0085b', 'U+0085 is white space'],
  ])('GPT-2 splits %j as Unicode has it: %s', (text) => {
    const json = smallByteLevelJson();
    json.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: false };
    const own = hfTokenizer(json, null, 'x').encode(text);
    const pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+|\\p{White_Space}+";
    const words = text.match(new RegExp(pattern, 'gu')) ?? [];
    // A word is a token here: the small vocabulary has all pairs of bytes inside words merged by
    // their bytes alone.
    expect(own.length).toBe(words.reduce((sum, word) => sum + bytes(word), 0));
  });

  it('single digits of every script are words', () => {
    const json = smallSentencePieceJson();
    json.pre_tokenizer = { type: 'Digits', individual_digits: true };
    json.model.vocab['٣٤'] = 400;
    json.model.merges = [['٣', '٤']];
    json.model.vocab['٣'] = 401;
    json.model.vocab['٤'] = 402;
    expect(hfTokenizer(json, null, 'x').encode('٣٤')).toEqual([401, 402]);
    json.pre_tokenizer = { type: 'Digits', individual_digits: false };
    expect(hfTokenizer(json, null, 'x').encode('٣٤')).toEqual([400]);
  });

  it('Metaspace splits before every ▁ unless told not to', () => {
    const json = smallSentencePieceJson();
    Object.assign(json.model.vocab, { '▁a': 400, 'a▁': 401 });
    json.model.merges = [
      ['a', '▁'],
      ['▁', 'a'],
    ];
    json.normalizer = null;
    json.pre_tokenizer = { type: 'Metaspace', prepend_scheme: 'first' };
    expect(hfTokenizer(json, null, 'x').encode('a a')).toEqual([400, 400]);
    json.pre_tokenizer.split = false;
    expect(hfTokenizer(json, null, 'x').encode('a a')).toEqual([json.model.vocab['▁'], 401, json.model.vocab.a]);
  });
});

describe('refuses', () => {
  const refuse = (change: (json: ReturnType<typeof smallByteLevelJson>) => void, config: unknown = {}) => {
    const json = smallByteLevelJson();
    change(json);
    return () => hfTokenizer(json, config, 'tokenizer.json');
  };

  it.each([
    ['Unigram', (json) => (json.model.type = 'Unigram')],
    ['BertNormalizer', (json) => (json.normalizer = { type: 'BertNormalizer' })],
    ['WordPiece', (json) => (json.decoder = { type: 'WordPiece' })],
    ['end_of_word_suffix', (json) => (json.model.end_of_word_suffix = '</w>')],
    ['continuing_subword_prefix', (json) => (json.model.continuing_subword_prefix = '##')],
    ['dropout', (json) => Object.assign(json.model, { dropout: 0.1 })],
    ['Replace', (json) => (json.normalizer = { type: 'Replace', pattern: { Regex: 'x*' }, content: 'y' })],
  ] as [string, Parameters<typeof refuse>[0]][])('%s, naming it', (named, change) => {
    expect(refuse(change)).toThrow(UnsupportedModelError);
    expect(refuse(change)).toThrow(named);
  });

  it.each([
    ['an id twice', (json) => (json.model.vocab.b = json.model.vocab.a)],
    ['an id that is not a number', (json) => Object.assign(json.model.vocab, { zz: '7' })],
    ['a huge id', (json) => (json.model.vocab.zz = 2 ** 31)],
    ['a merge into nothing', (json) => (json.model.merges = [['a', 'q']])],
    ['a merge of three', (json) => (json.model.merges = ['a b c'])],
    ['an unknown token that is not there', (json) => (json.model.unk_token = '<nope>')],
    [
      'a broken pattern',
      (json) => (json.pre_tokenizer = { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' }),
    ],
    ['deep nesting', (json) => (json.normalizer = nested(20))],
  ] as [string, Parameters<typeof refuse>[0]][])('%s', (_, change) => {
    expect(refuse(change)).toThrow(FormatError);
  });

  it('a BOS that is not in the vocabulary', () => {
    expect(refuse(() => {}, { bos_token: '<nope>' })).toThrow(/bos_token "<nope>" is not in the vocabulary/);
  });

  it.each([null, 1, 'x', [], { model: null }])('%j', (json) => {
    expect(() => hfTokenizer(json, {}, 'x')).toThrow(FormatError);
  });

  it('ids that are none', () => {
    const tokenizer = hfTokenizer(smallByteLevelJson(), {}, 'x');
    expect(() => tokenizer.decode([-1])).toThrow(DataError);
    expect(() => tokenizer.decode([0.5])).toThrow(DataError);
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([999])).toBe('');
  });

  const nested = (depth: number): unknown =>
    depth === 0 ? { type: 'NFC' } : { type: 'Sequence', normalizers: [nested(depth - 1)] };
});
