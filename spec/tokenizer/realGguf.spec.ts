/**
 * Real vocabularies as GGUF metadata: each must tokenise like the `tokenizer.json` it was made
 * from.
 */
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseGguf } from '../../src/formats/gguf/parse.ts';
import { openFile } from '../../src/platform/nodeFile.ts';
import { ggufTokenizer } from '../../src/tokenizer/ggufTokenizer.ts';
import { hfTokenizer } from '../../src/tokenizer/hfTokenizer.ts';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { hasShared, sharedPath } from '../shared.ts';
import { ggufMetadataOf, realFiles, realModels } from './realTokenizers.ts';
import { byteSymbols } from './smallTokenizers.ts';
import { someText, trickyTexts } from './trickyTexts.ts';

const bytes = (text: string): number => new TextEncoder().encode(text).length;

const pre: Readonly<Record<string, string | null>> = { llama2: null, llama3: 'llama-bpe', qwen3: 'qwen2' };

describe.each(realModels.map((model) => [model, pre[model]] as const))(
  '%s written as GGUF metadata',
  (model, splitting) => {
    const files = realFiles(model);
    const own = hfTokenizer(files.json, files.config, model);
    const gguf = ggufTokenizer(ggufMetadataOf(files, splitting), model);

    test.prop([someText], { numRuns: 30, examples: trickyTexts.map((text) => [text]) })(
      'tokenises every text like its tokenizer.json',
      (text) => {
        for (const parseSpecial of [false, true]) {
          const ids = own.encode(text, { parseSpecial });
          expect(gguf.encode(text, { parseSpecial })).toEqual(ids);
          for (const keepSpecial of [false, true]) {
            expect(gguf.decode(ids, { keepSpecial })).toBe(own.decode(ids, { keepSpecial }));
          }
        }
      },
    );

    test.prop([someText], { numRuns: 30, examples: trickyTexts.map((text) => [text]) })(
      'gives back every text, and its bytes',
      (text) => {
        const ids = gguf.encode(text, { parseSpecial: false });
        // Qwen composes accents; SentencePiece reads ▁ as a space and has one more before the text.
        const read = model === 'qwen3' ? text.normalize('NFC') : model === 'llama2' ? text.replaceAll('▁', ' ') : text;
        expect(gguf.decode(ids)).toBe(read);
        const more = model === 'llama2' && text !== '' ? 1 : 0;
        expect(ids.reduce((sum, id) => sum + gguf.byteLength(id), 0)).toBe(bytes(read) + more);
      },
    );

    it('has its tokens, their bytes and its special tokens', () => {
      expect(gguf.vocabSize).toBe(own.vocabSize);
      const differing = Array.from({ length: own.vocabSize }, (_, id) => id).filter((id) => {
        return own.byteLength(id) !== gguf.byteLength(id);
      });
      expect(differing).toEqual([]);
      expect(gguf).toMatchObject({ bosTokenId: own.bosTokenId, eosTokenId: own.eosTokenId });
    });
  },
);

const smollm2 = sharedPath('models', 'smollm2-135m-instruct-q4_1.gguf');

describe.skipIf(!hasShared)('SmolLM2 (skipped without the golden data)', () => {
  let tokenizer: Tokenizer;
  let known: Set<number>;
  beforeAll(async () => {
    const source = await openFile(smollm2);
    const { metadata } = await parseGguf(source);
    await source.close();
    tokenizer = ggufTokenizer(metadata, 'smollm2');
    const tokens = new Set(metadata.get('tokenizer.ggml.tokens') as string[]);
    known = new Set(byteSymbols().flatMap((symbol, byte) => (tokens.has(symbol) ? [byte] : [])));
  });

  it('gives the ids of llama.cpp and Hugging Face for every golden text', () => {
    const golden = JSON.parse(readFileSync(sharedPath('golden/smollm2/tokenizer.json'), 'utf8')) as {
      text: string;
      ids: number[];
      idsSpecial: number[];
    }[];
    expect(golden.length).toBeGreaterThan(5);
    for (const { text, ids, idsSpecial } of golden) {
      expect(tokenizer.encode(text, { parseSpecial: false }), text).toEqual(ids);
      expect(tokenizer.encode(text, { parseSpecial: true }), text).toEqual(idsSpecial);
    }
  });

  test.prop([someText], { examples: trickyTexts.map((text) => [text]) })(
    'gives back every text but the bytes that its vocabulary lacks',
    (text) => {
      const ids = tokenizer.encode(text, { parseSpecial: false });
      const kept = Uint8Array.from([...new TextEncoder().encode(text)].filter((byte) => known.has(byte)));
      expect(tokenizer.decode(ids)).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept));
      expect(ids.reduce((sum, id) => sum + tokenizer.byteLength(id), 0)).toBe(kept.length);
    },
  );
});
