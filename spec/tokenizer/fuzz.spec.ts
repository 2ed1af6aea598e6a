import { fc, test } from '@fast-check/vitest';
import { describe } from 'vitest';
import { tokenizerFromJson } from '../../src/tokenizer/fromJson.ts';
import { ggufTokenizer } from '../../src/tokenizer/ggufTokenizer.ts';
import { hostileNumbers, hostileTexts, mutated, nestedJson, survives } from '../formats/hostile.ts';
import { ggufMetadataOf, type TokenizerJson } from './realTokenizers.ts';
import { expectUsable, smallByteLevelJson, smallSentencePieceJson, wrongValues } from './smallTokenizers.ts';

/** A small tokenizer made smaller, so that ten thousand of them take seconds. */
function smallest(json: TokenizerJson): TokenizerJson {
  const pieces = Object.keys(json.model.vocab).filter((piece) => /^(<unk>|<0x0A>|[ĠĊ▁ab<>s/'12]{1,2})$/.test(piece));
  json.model.vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  for (const token of json.added_tokens) {
    token.id = json.model.vocab[token.content] ?? pieces.push(token.content) - 1;
  }
  return json;
}

const jsons = {
  byteLevel: () => smallest(smallByteLevelJson()),
  sentencePiece: () => smallest(smallSentencePieceJson()),
};
const config = { bos_token: '<s>', eos_token: { content: '</s>' }, add_bos_token: true };
const deep = nestedJson(1e4);

describe('any tokenizer.json gives a tokenizer that works, or a typed error', () => {
  const check = (json: unknown, tokenizerConfig: unknown): Promise<void> =>
    survives(() => tokenizerFromJson(json, tokenizerConfig, 'x'), expectUsable);

  const richer = {
    ...jsons.byteLevel(),
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'NFC' }, { type: 'Prepend', prepend: 'a' }, { type: 'Lowercase' }],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: '\\p{N}' }, behavior: 'Isolated', invert: false },
        { type: 'Digits', individual_digits: true },
        { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
        { type: 'ByteLevel', add_prefix_space: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'Sequence',
      processors: [
        { type: 'RobertaProcessing', cls: ['<s>', 300], sep: ['</s>', 301] },
        { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>' } }, { Sequence: { id: 'A' } }] },
      ],
    },
  };
  const ours = [
    { type: 'blockpruner-byte', bos: '<s>', eos: 'b' },
    { type: 'blockpruner-char', alphabet: "ab <s>'12\n" },
  ];
  const bases = fc.constantFrom<unknown>(jsons.byteLevel(), jsons.sentencePiece(), richer, ...ours);

  test.prop([bases.chain((base) => mutated(base, wrongValues)), mutated(config, wrongValues)], { numRuns: 9000 })(
    'whose fields are exchanged, removed and renamed',
    (json, damaged) => survives(() => tokenizerFromJson(json, damaged, 'x'), expectUsable),
  );

  test.prop([fc.jsonValue(), fc.jsonValue()], { numRuns: 1500 })('of random values', check);

  test.each(['model', 'normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'added_tokens', 'type', 'alphabet'])(
    'with a %s nested as deep as JSON allows',
    async (key) => {
      for (const base of [jsons.byteLevel(), ...ours]) await check({ ...base, [key]: deep }, config);
      await check({ ...jsons.byteLevel(), model: { ...jsons.byteLevel().model, [key]: deep } }, { [key]: deep });
    },
  );
});

const metadataOf = {
  byteLevel: ggufMetadataOf({ json: jsons.byteLevel(), config: {} }, 'gpt-2'),
  sentencePiece: ggufMetadataOf({ json: jsons.sentencePiece(), config: {} }, null),
};
type Kind = keyof typeof metadataOf;
const count = (metadataOf.byteLevel.get('tokenizer.ggml.tokens') as string[]).length;
const filled = (value: number): number[] => Array.from({ length: count }, () => value);

describe('any GGUF metadata gives a tokenizer that works, or a typed error', () => {
  const keys = [
    ...'model pre tokens token_type merges scores bos_token_id eos_token_id unknown_token_id'.split(' '),
    ...'add_bos_token add_space_prefix padding_token_id'.split(' '),
  ];
  const values = fc.oneof(
    fc.constantFrom<unknown>(
      ...hostileTexts,
      ...hostileNumbers,
      NaN,
      Infinity,
      2n ** 63n,
      true,
      false,
      null,
      undefined,
    ),
    fc.constantFrom<unknown>('llama', 'gpt2', 'llama-bpe', 'qwen2', 'smollm', 'a b', '▁a', 0, 1, 2, 3, 4, 5, 6),
    fc.constantFrom<unknown>(
      [],
      ['a', 'b'],
      [1, 2],
      new Float32Array(302),
      new Int32Array(302),
      new BigInt64Array(302),
    ),
    fc.constantFrom<unknown>(filled(Infinity), filled(4), deep),
  );
  /** A whole value replaced, or one entry of a list. */
  const changes = fc.array(fc.tuple(fc.constantFrom(...keys), fc.option(fc.nat(), { freq: 2 }), values), {
    minLength: 1,
    maxLength: 3,
  });

  test.prop([fc.constantFrom<Kind>('byteLevel', 'sentencePiece'), changes], { numRuns: 10_000 })(
    'whose fields are exchanged or changed within',
    async (kind, drawn) => {
      const metadata = new Map(metadataOf[kind]);
      for (const [name, place, value] of drawn) {
        const key = `tokenizer.ggml.${name}`;
        const old = metadata.get(key);
        const list = ArrayBuffer.isView(old) ? [...(old as Int32Array)] : old;
        const inside = place !== null && Array.isArray(list) && list.length > 0;
        metadata.set(key, inside ? (list as unknown[]).with(place % list.length, value) : value);
      }
      await survives(() => ggufTokenizer(metadata, 'x'), expectUsable);
    },
  );
});
