/**
 * Data that once gave wrong figures, over files made to show it; the right figures come from
 * independent code.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import {
  chunkData,
  defaultEvalSettings,
  ignoredTargets,
  type Chunks,
  type EvalSettings,
} from '../../src/eval/chunks.ts';
import { perplexity, type Perplexity } from '../../src/eval/perplexity.ts';
import { TextNotes } from '../../src/eval/textNotes.ts';
import { parseData } from '../../src/eval/textData.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { hasShared, sharedPath } from '../shared.ts';

const verses = 'tiny-models/verses';
const fault = (name: string): string => sharedPath('faults', name);

async function measure(
  path: string,
  file: string,
  settings: Partial<EvalSettings>,
  content = readFileSync(file, 'utf8'),
): Promise<{ chunks: Chunks; found: Perplexity }> {
  const { weights, tokenizer, close } = await openModel(path);
  const backend = referenceBackend();
  const model = await Transformer.load(weights, backend, Infinity);
  try {
    const data = parseData(file, content, 'text');
    const chunks = chunkData(file, data, weights.config, tokenizer, { ...defaultEvalSettings, ...settings });
    return { chunks, found: await perplexity(model, chunks, Mask.empty) };
  } finally {
    model.free();
    await close();
  }
}

describe.skipIf(!hasShared)('data once measured wrong', () => {
  it('chunks of pad tokens alone: the others’ perplexity, and how many were skipped', async () => {
    const { chunks, found } = await measure(fault('padm'), fault('padids.json'), { chunk: 32 });
    expect(found.ppl).toBeCloseTo(314.854, 3);
    expect(chunks.skipped.chunks).toBe(2);
    expect(found.scoredTokens + ignoredTargets(chunks)).toBe(6 * 31);
  });

  it('CRLF: measured as it stands, and said', async () => {
    const text = readFileSync(fault('crlf.txt'), 'utf8');
    const { found } = await measure(verses, fault('crlf.txt'), { chunk: 16 });
    expect(found.ppl).toBeCloseTo(43.885, 3);
    const notes = new TextNotes();
    notes.watch(text);
    expect(notes.sentences()).toEqual([expect.stringMatching(/^59 lines end in CRLF\. The model reads each/)]);
    const lines = text.replaceAll('\r\n', '\n');
    expect((await measure(verses, fault('crlf.txt'), { chunk: 16 }, lines)).found.ppl).toBeCloseTo(12.641, 3);
  });

  it.each([
    ['numfield.jsonl', /:2: field 'text' is the number 123, not text/],
    ['nested.jsonl', /:1: field 'text' lies inside 'meta'/],
    ['messages.jsonl', /:1: is a chat/],
  ])('%s says what it holds', (name, message) => {
    expect(() => parseData(name, readFileSync(fault(name), 'utf8'), 'text')).toThrow(message);
  });

  it('a stride: the mean of chunk means and the mean over tokens are two figures', async () => {
    const { found } = await measure(verses, fault('short.txt'), { chunk: 128, stride: 16 });
    expect(found.ppl).toBeCloseTo(8.985, 3);
    expect(Math.exp(found.natsPerToken)).toBeCloseTo(8.243, 3);
  });
});
