/** Small models that once gave a wrong figure or a wrong token. The right values come from independent code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { chunkData, defaultEvalSettings } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { hasShared, sharedPath } from '../shared.ts';

const fault = (name: string): string => sharedPath('faults', name);

describe.skipIf(!hasShared)('small models of the golden data (skipped without them)', () => {
  it('a text that begins with a BOS gets no second one', async () => {
    const { weights, tokenizer, close } = await openModel(fault('bosm'));
    const model = await Transformer.load(weights, referenceBackend(), 2 ** 28);
    const data = { kind: 'rows' as const, rows: [readFileSync(fault('b1.txt'), 'utf8')] };
    const chunks = chunkData('b1.txt', data, weights.config, tokenizer, { ...defaultEvalSettings, chunk: 32 });
    const { ppl } = await perplexity(model, chunks, Mask.empty, 8);
    expect(ppl.toFixed(2)).toBe('360.47');
    await close();
  });
});
