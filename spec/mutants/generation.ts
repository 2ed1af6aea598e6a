/** Faults of what goes around a model: its small files, the BOS, text token by token. */
import type { Mutant } from './mutant.ts';

const chunks = { file: 'src/eval/bos.ts', specs: ['spec/eval/chunks.spec.ts'] };
const generate = { file: 'src/model/generate.ts', specs: ['spec/model/generate.spec.ts'] };
const stream = { file: 'src/model/textStream.ts', specs: ['spec/model/textStream.spec.ts'] };
const completion = { file: 'src/model/completion.ts', specs: ['spec/model/completion.spec.ts'] };
const config = { file: 'src/tokenizer/tokenizerConfig.ts', specs: ['spec/tokenizer/tokenizerConfig.spec.ts'] };
const splits = { file: 'src/tokenizer/ggufSplits.ts', specs: ['spec/tokenizer/ggufSplits.spec.ts'] };
const generationConfig = {
  file: 'src/formats/huggingface/generationConfig.ts',
  specs: ['spec/formats/huggingface/generationConfig.spec.ts'],
};

export const generationMutants: readonly Mutant[] = [
  {
    ...chunks,
    name: 'a text that begins with a BOS gets a second one',
    from: "(bos === 'stream' || bos === 'replaced') && bosId !== null && !begins",
    to: "(bos === 'stream' || bos === 'replaced') && bosId !== null",
  },
  {
    ...chunks,
    name: 'a BOS at every chunk: the text’s own stays behind the first one',
    from: "return bos === 'chunk' && begins ? ids.subarray(1) : ids;",
    to: 'return ids;',
  },
  {
    ...completion,
    name: 'a prompt that begins with a BOS gets a second one',
    from: "if (bosTokenId !== null && ids[0] === bosTokenId) return { ids, bos: 'in the text' };",
    to: '',
  },
  {
    ...completion,
    name: 'held-back bytes are dropped at the end of a text',
    from: 'return { ids, text: text + rest, ...(last.end ?? endOf(next.value, ends, tokens)) };',
    to: 'return { ids, text, ...(last.end ?? endOf(next.value, ends, tokens)) };',
  },
  {
    ...stream,
    name: 'half a character is given out',
    from: "if (text.endsWith(REPLACEMENT)) return '';",
    to: '',
  },
  {
    ...stream,
    name: 'text after a special token is read without what comes before it',
    from: "if (text !== '') this.#context = this.#given;",
    to: 'this.#context = this.#given;',
  },
  {
    ...generate,
    name: 'logits that are NaN are drawn from',
    from: 'await checkLogits(model, logits, ids, mask);',
    to: '',
  },
  {
    ...generate,
    name: 'infinite logits pass for numbers',
    from: 'const wrong = notFinite(logits);',
    to: 'const wrong = logits.findIndex((logit) => Number.isNaN(logit));',
  },
  {
    ...generate,
    name: 'only the config’s end tokens end a text',
    from: 'options.endTokenIds ?? model.config.eosTokenIds',
    to: 'model.config.eosTokenIds',
  },
  {
    ...generate,
    name: 'a text that fills the context passes for one of enough tokens',
    from: "options.maxTokens <= room ? 'max tokens' : 'context'",
    to: "'max tokens'",
  },
  {
    ...generationConfig,
    name: 'generation_config.json’s end tokens are not read',
    from: '...(known.length > 0 ? { endTokenIds: known, endTokensFrom: GENERATION_CONFIG } : fallback),',
    to: '...fallback,',
  },
  {
    ...generationConfig,
    name: 'end tokens outside the vocabulary count',
    from: 'named.filter((id) => id < vocabSize)',
    to: 'named',
  },
  {
    file: 'src/formats/huggingface/hubModel.ts',
    specs: ['spec/formats/huggingface/hubModel.spec.ts'],
    name: 'generation_config.json is not fetched from the hub',
    from: "['tokenizer_config.json', ...TOKEN_FILES, CHAT_TEMPLATE, GENERATION_CONFIG]",
    to: "['tokenizer_config.json', ...TOKEN_FILES, CHAT_TEMPLATE]",
  },
  {
    ...config,
    name: 'added_tokens_decoder is not read',
    from: '[...added, ...named]',
    to: 'named',
  },
  {
    ...config,
    name: 'special_tokens_map.json is read beside added_tokens_decoder',
    from: 'const map = decoder === null ? objectOf(',
    to: 'const map = decoder !== undefined ? objectOf(',
  },
  {
    ...config,
    file: 'src/tokenizer/addTokens.ts',
    name: 'new tokens get the ids that the file states, free or not',
    from: 'const id = isTokenId(piece) ? piece : next;',
    to: 'const id = isTokenId(piece) ? piece : (statedId ?? next);',
  },
  {
    ...config,
    file: 'src/tokenizer/addTokens.ts',
    name: 'flags of a token that tokenizer.json has are taken from elsewhere',
    from: 'if (!known.has(content)) {',
    to: 'if (!known.has(content) || token.lstrip) {',
  },
  {
    ...config,
    file: 'src/tokenizer/prefixSpace.ts',
    name: 'add_prefix_space does not reach ByteLevel',
    from: "if (part.type === 'ByteLevel') return { ...part, add_prefix_space: wanted };",
    to: "if (part.type === 'ByteLevel') return part;",
  },
  {
    ...config,
    file: 'src/tokenizer/tokenizerConfigFields.ts',
    name: 'a field that changes tokens passes without a word',
    from: '!(Object.hasOwn(neutral, field) && neutral[field] === value)',
    to: '!Object.hasOwn(neutral, field)',
  },
  {
    ...splits,
    name: 'tekken: contractions end a word, as in GPT-4o',
    from: "tekken: { ...wholeWithBos, splits: [gpt4o(raw`\\p{N}`, '')] },",
    to: 'tekken: { ...wholeWithBos, splits: [gpt4o(raw`\\p{N}`, `${contractions}?`)] },',
  },
  {
    ...splits,
    name: 'DeepSeek V3: numbers are not cut into threes',
    from: 'splits: [upToThreeDigits, isolate(hanAndKana), deepseek3(raw`[\\r\\n]*`',
    to: 'splits: [isolate(hanAndKana), deepseek3(raw`[\\r\\n]*`',
  },
];
