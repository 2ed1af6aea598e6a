/** Data that once gave wrong figures, over files made to show it; the right figures come from independent code. */
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
): Promise<{ chunks: Chunks; found: Perplexity }> {
  const { weights, tokenizer, close } = await openModel(path);
  const backend = referenceBackend();
  const model = await Transformer.load(weights, backend, Infinity);
  try {
    const data = parseData(file, readFileSync(file, 'utf8'), 'text');
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

  it('a stride: the mean of chunk means and the mean over tokens are two figures', async () => {
    const { found } = await measure(verses, fault('short.txt'), { chunk: 128, stride: 16 });
    expect(found.ppl).toBeCloseTo(8.985, 3);
    expect(Math.exp(found.natsPerToken)).toBeCloseTo(8.243, 3);
  });
});
