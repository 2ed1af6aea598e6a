import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { readSpecialTokens } from '../../src/tokenizer/specialTokens.ts';

const idOf = new Map([
  ['<s>', 1],
  ['</s>', 2],
  ['<|end|>', 3],
]);
const read = (postProcessor: unknown, config: Record<string, unknown> = {}) =>
  readSpecialTokens(postProcessor, config, idOf, 'x');

const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const text = { Sequence: { id: 'A', type_id: 0 } };
const template = (...single: unknown[]) => ({ type: 'TemplateProcessing', single });

describe('the post-processor', () => {
  it.each<[string, unknown, number | null, number | null]>([
    ['none', null, null, null],
    ['of another type', { type: 'ByteLevel' }, null, null],
    ['a template with a BOS', template(token('<s>'), text), 1, null],
    ['a template with an EOS', template(text, token('</s>')), null, 2],
    ['a template with both', template(token('<s>'), text, token('</s>')), 1, 2],
    ['RoBERTa’s', { type: 'RobertaProcessing', cls: ['<s>', 1], sep: ['</s>', 2] }, 1, 2],
    ['BERT’s', { type: 'BertProcessing', cls: ['<s>', 1], sep: ['</s>', 2] }, 1, 2],
    ['a sequence', { type: 'Sequence', processors: [{ type: 'ByteLevel' }, template(token('<s>'), text)] }, 1, null],
  ])('%s', (_, postProcessor, bosTokenId, eosTokenId) => {
    expect(read(postProcessor)).toEqual({ bosTokenId, eosTokenId, addsBos: bosTokenId !== null });
  });

  const nested = (depth: number): unknown =>
    depth === 0 ? template(token('<s>'), text) : { type: 'Sequence', processors: [nested(depth - 1)] };

  it('may nest, but not forever', () => {
    expect(read(nested(8)).bosTokenId).toBe(1);
    expect(() => read(nested(9))).toThrow(/x: post_processor: nests too deep/);
  });

  it.each<[string, unknown, RegExp]>([
    ['text', 'x', /is not a JSON object/],
    ['an empty template', template(), /'single' is not a template/],
    ['a template of text', template('<s>'), /'single' is not a template/],
    ['a token without a name', template({ SpecialToken: {} }, text), /'single' is not a template/],
    ['an unknown token', template(token('<nope>'), text), /post_processor "<nope>" is not in the vocabulary/],
    ['an id that is none', { type: 'BertProcessing', cls: ['<s>', -1], sep: ['</s>', 2] }, /'cls' is not a pair/],
    ['no second token', { type: 'RobertaProcessing', cls: ['<s>', 1] }, /'sep' is not a pair/],
    ['processors that are no list', { type: 'Sequence', processors: {} }, /'processors' is not a list/],
  ])('that is %s is refused', (_, postProcessor, message) => {
    expect(() => read(postProcessor)).toThrow(FormatError);
    expect(() => read(postProcessor)).toThrow(message);
  });
});

describe('the configuration', () => {
  const both = template(token('<s>'), text, token('</s>'));

  it('names the tokens, and goes before the post-processor', () => {
    expect(read(both, { eos_token: '<|end|>' })).toEqual({ bosTokenId: 1, eosTokenId: 3, addsBos: true });
    expect(read(null, { bos_token: { content: '<s>' } })).toEqual({ bosTokenId: 1, eosTokenId: null, addsBos: false });
    expect(read(both, { bos_token: null, eos_token: '' })).toEqual({ bosTokenId: 1, eosTokenId: 2, addsBos: true });
  });

  it('decides whether a text begins with a BOS, where there is one', () => {
    expect(read(both, { add_bos_token: false }).addsBos).toBe(false);
    expect(read(null, { bos_token: '<s>', add_bos_token: true }).addsBos).toBe(true);
    expect(read(null, { add_bos_token: true })).toEqual({ bosTokenId: null, eosTokenId: null, addsBos: false });
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ bos_token: 7 }, /tokenizer configuration: 'bos_token' is not a token/],
    [{ eos_token: {} }, /'eos_token' is not a token/],
    [{ bos_token: '<\u001b>' }, /bos_token "<\\u001b>" is not in the vocabulary/],
    [{ bos_token: '<s>', add_bos_token: 'yes' }, /'add_bos_token' is neither true nor false/],
  ])('%j is refused', (config, message) => {
    expect(() => read(null, config)).toThrow(FormatError);
    expect(() => read(null, config)).toThrow(message);
  });
});
