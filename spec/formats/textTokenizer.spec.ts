import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/errors.ts';
import { openFolderModel, openGgufModel } from '../../src/formats/modelFiles.ts';
import { textTokenizer } from '../../src/formats/textTokenizer.ts';
import { byteTokenizer } from '../../src/tokenizer/byteTokenizer.ts';
import { serializeGguf } from '../../src/formats/gguf/write.ts';
import { memoryBytes } from '../../src/platform/memoryBytes.ts';
import { tinyModel } from './gguf/fixtures.ts';
import { llama } from './huggingface/configs.ts';
import { jsonBytes, memoryFolder, singleFile, type Files } from './huggingface/tinyModel.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

it('gives the tokenizer where there is one', () => {
  const tokenizer = byteTokenizer({}, 'bytes');
  expect(textTokenizer({ tokenizer, tokenizerNote: null }, 'x.txt')).toBe(tokenizer);
});

describe('says why there is none', () => {
  const bare = new Map([...singleFile(llama)].filter(([name]) => name !== 'tokenizer.json'));
  const json = (value: unknown): Files => new Map([['tokenizer.json', jsonBytes(value)]]);
  const empty = new Uint8Array();

  it.each<[string, Files, RegExp]>([
    ['nothing there', new Map(), /: there is no tokenizer\.json\. Put the model's own tokenizer\.json beside/],
    ['bad JSON', new Map([['tokenizer.json', text('{"model":')]]), /tokenizer\.json: is not valid JSON/],
    ['another model', json({ model: { type: 'Unigram' } }), /a tokenizer "Unigram" is not supported/],
    ['WordPiece', json({ model: { type: 'WordPiece', vocab: {} } }), /a tokenizer "WordPiece" is not supported/],
    [
      'tokenizer.model alone',
      new Map([['tokenizer.model', empty]]),
      /'tokenizer\.model' \(SentencePiece\), which is not/,
    ],
    ['Mistral’s file alone', new Map([['tekken.json', empty]]), /'tekken\.json' \(Mistral\)/],
    [
      'GPT-2’s old files alone',
      new Map([['vocab.json', empty]]),
      /'vocab\.json' \(vocabulary and merges\).*save_pretrained/,
    ],
    ['Qwen’s first file alone', new Map([['qwen.tiktoken', empty]]), /'qwen\.tiktoken' \(tiktoken\)/],
  ])('%s', async (_, files, message) => {
    const opened = await openFolderModel(memoryFolder(new Map([...bare, ...files])), 'folder');
    const read = () => textTokenizer(opened, 'x.txt');
    expect(read).toThrow(DataError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^x\.txt: text cannot be turned into tokens: folder[:/]/);
    // One line, and never a false "there is no tokenizer.json" where there is one.
    expect(opened.tokenizerNote).not.toContain('\n');
    if (files.has('tokenizer.json')) expect(opened.tokenizerNote).not.toContain('there is no');
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['an unknown split', { model: 'gpt2', pre: 'nobody' }, /tokenizer\.ggml\.pre "nobody" is not supported/],
    ['no split', { model: 'gpt2' }, /tokenizer\.ggml\.pre is missing/],
    ['another model', { model: 't5' }, /tokenizer\.ggml\.model "t5" is not supported/],
    ['none in the file', {}, /the file has no tokenizer\.$/],
  ])('GGUF: %s', async (_, keys, message) => {
    const written = tinyModel('llama');
    for (const [key, value] of Object.entries({ tokens: ['a'], ...keys })) {
      written.metadata.set(`tokenizer.ggml.${key}`, {
        type: typeof value === 'string' ? 'string' : { array: 'string' },
        value,
      });
    }
    const opened = await openGgufModel(memoryBytes('x.gguf', serializeGguf(written)), 'x.gguf');
    expect(() => textTokenizer(opened, '--prompt')).toThrow(message);
    expect(() => textTokenizer(opened, '--prompt')).toThrow(/^--prompt: text cannot be turned into tokens: x\.gguf: /);
  });
});
