/**
 * Tiny random models and what Hugging Face transformers computes for them in f64: one suite, for
 * every file format.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { chunkData, defaultEvalSettings } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import type { RawData } from '../../src/eval/textData.ts';
import { openModel } from '../../src/formats/openModel.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { forward } from '../model/forward.ts';
import { backendBytes, onReference, onSimd, type NamedBackend } from '../model/namedBackends.ts';
import { hasShared, sharedPath } from '../shared.ts';

/**
 * As golden.json has it. Rows of `ids` are chunks; logits are of the last position of each row, and
 * of row 0, position 7.
 */
export interface Golden {
  ids: number[][];
  ppl: number;
  lastRowLogits: number[][];
  row7: number[];
  masked: Record<string, { ppl: number; last8: number[] }>;
  params: number;
}

/**
 * Names in one folder of the golden data, without an ending; none where there are no golden data.
 */
export function goldenNames(folder: 'hf' | 'gguf', ending: string): string[] {
  if (!hasShared) return [];
  return readdirSync(sharedPath('golden', folder))
    .filter((file) => file.endsWith(ending) && !file.startsWith('quants'))
    .map((file) => file.slice(0, file.length - ending.length));
}

export function goldenOf(name: string): Golden {
  return JSON.parse(readFileSync(sharedPath('golden', 'hf', name, 'golden.json'), 'utf8')) as Golden;
}

const backends: NamedBackend[] = [
  onReference,
  ...(['relaxed-fma', 'plain'] as const).flatMap((variant) => [onSimd(variant, 1), onSimd(variant, 2)]),
];

/**
 * Checks models, each given by its name in the golden data and its file or folder, on every
 * backend.
 */
export function goldenSuite(models: readonly { name: string; path: string }[]): void {
  for (const { name: on, missing, open } of backends) {
    describe.skipIf(missing)(`on ${on}`, () => {
      let backend: Backend;
      beforeAll(async () => {
        backend = await open();
      });
      afterAll(() => backend.dispose());

      it.each(models)('$name: perplexity and logits, dense and under every mask', async ({ name, path }) => {
        const opened = await openModel(path);
        const model = await Transformer.load(opened.weights, backend, backendBytes / 2);
        await expectPerplexities(model, goldenOf(name));
        await expectLogits(model, goldenOf(name));
        model.free();
        await opened.close();
        expect(backend.bytesInUse()).toBe(0);
      });
    });
  }
}

/** Within 1e-5 of the golden ones. */
async function expectPerplexities(model: Transformer, golden: Golden): Promise<void> {
  const data: RawData = { kind: 'ids', ids: golden.ids.flat() };
  const settings = { ...defaultEvalSettings, chunk: golden.ids[0].length };
  const chunks = chunkData('golden ids', data, model.config, null, settings);
  for (const [text, { ppl }] of [['', golden] as const, ...Object.entries(golden.masked)]) {
    const mask = Mask.parse(text, model.config);
    const ours = await perplexity(model, chunks, mask, golden.ids.length);
    expect(Math.abs(ours.ppl / ppl - 1), `masked: ${text}`).toBeLessThan(1e-5);
  }
}

async function expectLogits(model: Transformer, golden: Golden): Promise<void> {
  const rows = golden.ids.map((row) => Int32Array.from(row));
  const seqLen = rows[0].length;
  const logits = await forward(model, rows, Mask.empty);
  expectClose(logits[7], golden.row7);
  for (const [row, want] of golden.lastRowLogits.entries()) expectClose(logits[(row + 1) * seqLen - 1], want);
  for (const [text, { last8 }] of Object.entries(golden.masked)) {
    const masked = await forward(model, rows.slice(0, 1), Mask.parse(text, model.config));
    expectClose(masked[seqLen - 1].subarray(0, last8.length), last8);
  }
}

/** Within 1e-4 of a value below 1, relatively above. */
function expectClose(ours: Float32Array, want: readonly number[]): void {
  expect(ours).toHaveLength(want.length);
  const errors = want.map((value, index) => Math.abs(ours[index] - value) / Math.max(1, Math.abs(value)));
  // The comparison is false for NaN.
  expect(errors.findIndex((error) => !(error < 1e-4))).toBe(-1);
}
