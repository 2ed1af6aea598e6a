import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedModelError } from '../../src/errors.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import { readVocabulary } from '../../src/tokenizer/vocabulary.ts';

const bpe = (vocab: object, more: object = {}) => ({ model: { type: 'BPE', vocab, merges: [], ...more } });

test.prop([fc.uniqueArray(fc.string({ unit: 'binary' })), fc.nat(1000)])(
  'pieces and ids are each other’s inverse, gaps and all names included',
  (names, step) => {
    const ids = new Map(names.map((name, i) => [name, i * (step + 1)]));
    const { pieces, idOf } = readVocabulary(bpe(Object.fromEntries(ids)), 'x');
    expect(idOf).toEqual(ids);
    for (const [name, id] of idOf) expect(pieces[id]).toBe(name);
    expect(pieces.filter((piece) => piece !== undefined).length).toBe(names.length);
  },
);

describe('added tokens', () => {
  const read = (...tokens: object[]) => readVocabulary({ ...bpe({ a: 0, b: 1 }), added_tokens: tokens }, 'x');

  it('join the vocabulary, or are in it already', () => {
    const { idOf, pieces, added } = read({ id: 1, content: 'b' }, { id: 5, content: '<s>', special: true });
    expect([...idOf]).toEqual([
      ['a', 0],
      ['b', 1],
      ['<s>', 5],
    ]);
    expect(pieces[5]).toBe('<s>');
    // What is not special is matched after normalisation unless it says otherwise.
    expect(added.map(({ normalized }) => normalized)).toEqual([true, false]);
  });

  it('with an empty text are left out, as it is everywhere', () => {
    expect(read({ id: 9, content: '' })).toMatchObject({ added: [] });
  });

  it.each<[string, object[]]>([
    ['the id of another piece', [{ id: 0, content: '<s>' }]],
    ['the text of a piece with another id', [{ id: 7, content: 'a' }]],
    [
      'an id twice',
      [
        { id: 7, content: '<s>' },
        { id: 7, content: '</s>' },
      ],
    ],
    [
      'a text twice',
      [
        { id: 7, content: '<s>' },
        { id: 8, content: '<s>' },
      ],
    ],
  ])('with %s are refused: ids would decode to other texts', (_, tokens) => {
    expect(() => read(...tokens)).toThrow(FormatError);
    expect(() => read(...tokens)).toThrow(/^x: model: added token .* disagree about id \d/);
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', 7, /added_tokens: entry 0 is not a JSON object/],
    ['no id', { content: 'x' }, /the id of entry 0 is not an id/],
    ['no text', { id: 7 }, /'content' is not a string/],
    ['a flag that is none', { id: 7, content: 'x', lstrip: 1 }, /'lstrip' is neither true nor false/],
  ])('with %s are refused', (_, token, message) => {
    expect(() => read(token as object)).toThrow(FormatError);
    expect(() => read(token as object)).toThrow(message);
  });
});

describe('merges', () => {
  const vocab = { a: 0, b: 1, ab: 2, 'a ': 3, 'a b': 4 };

  it('are texts or pairs, which may hold spaces', () => {
    expect(readVocabulary(bpe(vocab, { merges: ['a b', ['a ', 'b']] }), 'x').model.merges).toEqual([
      ['a', 'b'],
      ['a ', 'b'],
    ]);
  });

  it.each(
    [[['a', 'q']], [['b', 'a']], ['a  b'], ['ab'], [['a', 'b', '']], [[0, 1]], [null]].map((merge) => [merge[0]]),
  )('%j is refused', (merge) => {
    expect(() => readVocabulary(bpe(vocab, { merges: [merge] }), 'x')).toThrow(FormatError);
  });

  it('tell byte-pair encoding where a file has no type', () => {
    expect(readVocabulary({ model: { vocab, merges: [] } }, 'x').model.merges).toEqual([]);
    expect(() => readVocabulary({ model: { vocab } }, 'x')).toThrow(UnsupportedModelError);
  });
});

it('a name out of the file is one line in a message', () => {
  expect(() => readVocabulary(bpe({ 'a\n\u001b\u2028': -1 }), 'x')).toThrow(
    'the id of "a\\n\\u001b\\u2028" is not an id.',
  );
  expect(() => readVocabulary({ model: { type: 'Uni\ngram' } }, 'x')).toThrow(
    'a tokenizer "Uni\\ngram" is not supported',
  );
});

it('an unknown token that is only an added one stands for unknown text either way', () => {
  const json = {
    ...bpe({ a: 0 }, { unk_token: '<unk>' }),
    added_tokens: [{ id: 1, content: '<unk>', special: true }],
    pre_tokenizer: null,
  };
  const tokenizer = hfTokenizer(json, null, 'x');
  expect(tokenizer.encode('ab')).toEqual([0, 1]);
  expect(tokenizer.encode('ab', { parseSpecial: false })).toEqual([0, 1]);
});
