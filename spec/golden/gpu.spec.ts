/**
 * Whole models on gpu.js's modes against Hugging Face, within the noise that near-ties are told by.
 */
import { describe, expect, it } from 'vitest';
import { gpuBackend } from '../../src/backends/gpu/gpuBackend.ts';
import type { GpuMode } from '../../src/backends/gpu/gpuMode.ts';
import { chunkData, defaultEvalSettings } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { webGpuMissing } from '../backends/gpu/webGpuMissing.ts';
import { hasShared, sharedPath } from '../shared.ts';
import { goldenOf } from './goldenModel.ts';

const missing = await webGpuMissing();

/**
 * Dense and under the first mask. Between them: RMSNorm with per-head norms and RoPE, LayerNorm
 * with learned positions and GELU.
 */
async function expectGolden(mode: GpuMode, name: string): Promise<void> {
  const golden = goldenOf(name);
  const { weights, close } = await openModel(sharedPath('golden', 'hf', name));
  const backend = await gpuBackend({ mode });
  const model = await Transformer.load(weights, backend, Infinity);
  const settings = { ...defaultEvalSettings, chunk: golden.ids[0].length };
  const chunks = chunkData('golden ids', { kind: 'ids', ids: golden.ids.flat() }, model.config, null, settings);
  const [[mask, masked]] = Object.entries(golden.masked);
  for (const [text, ppl] of [['', golden.ppl] as const, [mask, masked.ppl] as const]) {
    const found = await perplexity(model, chunks, Mask.parse(text, model.config), golden.ids.length);
    expect(Math.abs(found.ppl / ppl - 1), `masked: ${text}`).toBeLessThan(backend.perplexityNoise);
  }
  model.free();
  expect(backend.bytesInUse()).toBe(0);
  await backend.dispose();
  await close();
}

const models = ['qwen3', 'gpt2'];

describe.skipIf(!hasShared)('gpu.js models against Hugging Face (skipped without the golden data)', () => {
  it.each(models)('%s in cpu mode', (name) => expectGolden('cpu', name));

  describe.skipIf(missing !== null)(`on WebGPU${missing === null ? '' : ` (${missing})`}`, () => {
    it.each(models)('%s', (name) => expectGolden('webgpu', name));
  });
});
