/**
 * How text is split into words before byte-pair merging, by the name that GGUF files give the
 * scheme in `tokenizer.ggml.pre`. Merges never cross these borders, so another split gives other
 * tokens. Names as llama.cpp has them (`src/llama-vocab.cpp`), patterns as in the models' own
 * `tokenizer.json`. Several patterns are applied one after the other, each inside the pieces of the
 * one before.
 */
import type { JsonRecord } from './jsonFields.ts';
import { DEEPSEEK_LETTERS } from './deepseekLetters.ts';
import { gpt2Split, isolate } from './splitPatterns.ts';

/** What a scheme's name stands for. */
export interface PreTokenizer {
  /** Applied one after the other, each inside the pieces of the one before. */
  readonly splits: readonly JsonRecord[];
  readonly normalizer: JsonRecord | null;
  /**
   * Whether a word that is in the vocabulary becomes its token at once, whatever the merges say.
   */
  readonly ignoreMerges: boolean;
  /** Whether a BOS is put first where the file does not say. */
  readonly addsBos: boolean;
}

const { raw } = String;
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const spaces = raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const digit = isolate(raw`\p{N}`);
const upToThreeDigits = isolate(raw`\p{N}{1,3}`);

/** GPT-4's split and its descendants: they differ in how many digits make a word, and in spaces. */
function gpt4(digits: string, rest: string = spaces): JsonRecord {
  return isolate(raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${rest}`);
}

/** GPT-4o's split: a word also begins where a capital follows a small letter. */
function gpt4o(digits: string, ending: string): JsonRecord {
  const [upper, lower] = [raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`];
  const words = [`${upper}*${lower}+`, `${upper}+${lower}*`].map((word) => raw`[^\r\n\p{L}\p{N}]?${word}${ending}`);
  return isolate(raw`${words.join('|')}|${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${spaces}`);
}

/** DeepSeek V3's words. `after`: what may follow a run of punctuation; `breaks`: line breaks. */
function deepseek3(after: string, breaks: string): JsonRecord {
  const ascii = raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${'`'}{|}~][A-Za-z]+`;
  const words = raw`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+${after}`;
  return isolate(raw`${ascii}|${words}|${breaks}|\s+(?!\S)|\s+`);
}

const lineBreak = isolate(raw`[\r\n]`);
/** Han from U+4E00 to U+9FA5 and kana. */
const hanAndKana = '[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+';
/** DeepSeek's first models: what they take for Chinese, Japanese and Korean. */
const cjk = isolate('[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+');
const bloom = isolate(raw` ?[^(\s|.,!?` + '\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+');
const youtuScripts =
  '[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+|' +
  `[\u3105-\u312f]+|${hanAndKana}`;

const qwen35 = raw`${contractions}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|` + spaces;
/** As Qwen 2's, without contractions: Turkish suffixes stay whole. */
const ufakzeka = raw`[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|` + spaces;
const seedCoder = raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|` + spaces;
/** Several words may be one. */
const exaoneMoe =
  raw`${contractions}|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}` +
  raw`| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`;
/** Runs of spaces are cut to powers of two. */
const jais2Spaces =
  raw`\s*[\r\n]+|` +
  [512, 256, 128, 64, 32, 16, 8, 4].map((n) => raw`\s{${n}}(?!\S)|`).join('') +
  raw`\s{1,2}(?!\S)|\s`;

const plain = { normalizer: null, ignoreMerges: false, addsBos: false };
/** The models' own tokenizer composes accents first, though the file format has no key for it. */
const composed = { ...plain, normalizer: { type: 'NFC' } };
const whole = { ...plain, ignoreMerges: true };
const wholeWithBos = { ...whole, addsBos: true };

const gpt2: PreTokenizer = { ...plain, splits: [gpt2Split] };
const neox: PreTokenizer = { ...composed, splits: [gpt2Split] };
const starcoder: PreTokenizer = { ...plain, splits: [digit, gpt2Split] };
const threeDigits = gpt4(raw`\p{N}{1,3}`);
const oneDigit = gpt4(raw`\p{N}`);
const llama3: PreTokenizer = { ...wholeWithBos, splits: [threeDigits] };
const dbrx: PreTokenizer = { ...plain, splits: [threeDigits] };
const qwen2: PreTokenizer = { ...composed, splits: [oneDigit] };
const stablelm2: PreTokenizer = { ...plain, splits: [oneDigit] };
const o200k: PreTokenizer = { ...plain, splits: [gpt4o(raw`\p{N}{1,3}`, `${contractions}?`)] };
const bloomLike: PreTokenizer = { ...plain, splits: [bloom] };
const deepseekV3: PreTokenizer = {
  ...plain,
  splits: [upToThreeDigits, isolate(hanAndKana), deepseek3(raw`[\r\n]*`, raw`\s*[\r\n]+`)],
};

export const preTokenizers: Readonly<Record<string, PreTokenizer>> = {
  ...named(gpt2, 'gpt-2 phi-2 gigachat a.x-4.0 mellum exaone4 jais trillion granite-docling modern-bert'),
  ...named(gpt2, 'jina-es jina-de jina-v2-es jina-v2-de'),
  ...named(neox, 'mpt olmo'),
  ...named(starcoder, 'smollm starcoder refact codeshell exaone minerva-7b mellum2'),
  'command-r': { ...composed, splits: [digit, gpt2Split] },
  ...named(llama3, 'llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano'),
  ...named(dbrx, 'dbrx smaug-bpe glm4 chatglm-bpe'),
  ...named(qwen2, 'qwen2 deepseek-r1-qwen f2llmv2'),
  ...named(stablelm2, 'stablelm2 kormo megrez hunyuan solar-open grok-2 bailingmoe bailingmoe2 llada-moe'),
  qwen35: { ...composed, splits: [isolate(qwen35)] },
  tekken: { ...wholeWithBos, splits: [gpt4o(raw`\p{N}`, '')] },
  ...named(o200k, 'gpt-4o llama4 kanana2 talkie minimax-m2'),
  'deepseek-llm': {
    ...plain,
    splits: [
      lineBreak,
      isolate(raw`\s?[${DEEPSEEK_LETTERS}]+`),
      isolate(raw`\s?[!-/:-~` + '\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+'),
      isolate(raw`\s+$`),
      cjk,
      isolate(raw`\p{N}+`),
    ],
  },
  'deepseek-coder': {
    ...plain,
    splits: [lineBreak, isolate(raw`\s?\p{L}+`), isolate(raw`\s?\p{P}+`), cjk, digit],
  },
  ...named(deepseekV3, 'deepseek-v3 hunyuan-dense joyai-llm hy_v4'),
  spark2_5: { ...plain, splits: [upToThreeDigits, isolate(hanAndKana), deepseek3('', raw`[\r\n]`), digit] },
  falcon: {
    ...plain,
    splits: [isolate(raw`[\p{P}$+<=>\^~|${'`'}]+`), gpt2Split, isolate('[0-9][0-9][0-9]')],
  },
  youtu: { ...whole, splits: [isolate(youtuScripts), gpt4o(raw`\p{N}`, `${contractions}?`)] },
  ...named(bloomLike, 'bloom poro-chat gpt3-finnish'),
  viking: { ...plain, splits: [bloom, digit] },
  'seed-coder': { ...plain, splits: [isolate(seedCoder)] },
  ufakzeka: { ...plain, splits: [isolate(ufakzeka)] },
  laguna: { ...plain, splits: [isolate(raw`[^\n]+|\n+`), oneDigit] },
  'exaone-moe': { ...plain, splits: [isolate(exaoneMoe)] },
  minicpm5: { ...whole, splits: [upToThreeDigits, gpt4(raw`\p{N}+`)] },
  'jais-2': { ...plain, splits: [gpt4(raw`\p{N}{1,3}`, jais2Spaces)] },
  chameleon: {
    ...plain,
    addsBos: true,
    splits: [
      isolate('<sentinel:[0-9]+>'),
      isolate('IMGIMG[A-I]{1,4}Z'),
      isolate(raw`[\t\n]|    |  `),
      digit,
      isolate(raw`[\p{P}!-/:-@\[-${'`'}{-~]`),
      gpt2Split,
    ],
  },
};

/** Names that llama.cpp knows and we do not follow, and why. */
export const unsupportedPreTokenizers: Readonly<Record<string, string>> = {
  default: 'it stands for a split that nobody knew when the file was made',
  ...named('it is not a byte-level vocabulary', 'gemma4 granite-embed-multi-311m sarvam-moe whitespace'),
  ...named('the model is an encoder', 'jina-v1-en jina-v2-code roberta-bpe granite-embed-multi-97m'),
  ...named('it groups digits from the end of a number', 'superbpe tiny_aya cohere2moe afmoe'),
  'kimi-k2': 'its pattern takes a script out of a class of letters',
};

function named<T>(value: T, names: string): Record<string, T> {
  return Object.fromEntries(names.split(' ').map((name) => [name, value]));
}
