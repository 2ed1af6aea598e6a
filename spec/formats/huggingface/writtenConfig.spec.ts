import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseHfConfig } from '../../../src/formats/huggingface/config.ts';
import { writtenConfig } from '../../../src/formats/huggingface/writtenConfig.ts';
import type { ModelConfig } from '../../../src/model/config.ts';

const text = readFileSync(new URL('../../../tiny-models/planted/config.json', import.meta.url), 'utf8');
const { config } = parseHfConfig(JSON.parse(text), 'config.json');
const untied: ModelConfig = { ...config, tieWordEmbeddings: false };

/** The config's fields with this `tie_word_embeddings`, or with none, set out as a person might. */
const files = fc
  .record({ ties: fc.constantFrom(true, false, null, undefined), indent: fc.constantFrom(0, 2, 4) })
  .map(({ ties, indent }) => {
    const fields = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify({ ...fields, tie_word_embeddings: ties }, null, indent);
  });

describe('writtenConfig', () => {
  test.prop([files])('says that a head of its own is not tied, and nothing else is changed', (file) => {
    const before = JSON.parse(file) as Record<string, unknown>;
    const after = JSON.parse(writtenConfig(file, untied)) as Record<string, unknown>;
    expect(after).toEqual({ ...before, tie_word_embeddings: false });
    expect(parseHfConfig(after, 'config.json').config.tieWordEmbeddings).toBe(false);
  });

  test.prop([files])('keeps the file to the letter where the head is the embedding', (file) => {
    expect(writtenConfig(file, { ...untied, tieWordEmbeddings: true })).toBe(file);
  });

  it('leaves a value of the same name elsewhere alone', () => {
    const file = '{"tie_word_embeddings": true, "note": "true"}';
    expect(writtenConfig(file, untied)).toBe('{"tie_word_embeddings": false, "note": "true"}');
  });
});
