/** Streams of distinct ids, so that a chunk's ids say where in the stream they stood. */
import { fc } from '@fast-check/vitest';
import { parseHfConfig } from '../../src/formats/huggingface/config.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import type { BosPolicy } from '../../src/eval/bos.ts';
import { defaultEvalSettings, type EvalSettings } from '../../src/eval/chunks.ts';
import { tinyConfig } from '../model/tinyTransformer.ts';

export const VOCAB = 1000;
export const BOS = 999;

export const tiny: ModelConfig = {
  ...parseHfConfig(tinyConfig('llama', 1), 'config').config,
  vocabSize: VOCAB,
  bosTokenId: BOS,
};

export const settingsOf = (settings: Partial<EvalSettings>): EvalSettings => ({ ...defaultEvalSettings, ...settings });

/** A stream long enough for one chunk, and how to cut it. */
export interface Cut {
  length: number;
  chunk: number;
  stride: number;
  bos: BosPolicy;
}

export const someCut: fc.Arbitrary<Cut> = fc
  .record({
    chunk: fc.integer({ min: 2, max: 24 }),
    stride: fc.nat(),
    more: fc.nat(100),
    bos: fc.constantFrom<BosPolicy>('none', 'stream', 'chunk'),
  })
  .map(({ chunk, stride, more, bos }) => ({ length: chunk + more, chunk, stride: 1 + (stride % chunk), bos }));
