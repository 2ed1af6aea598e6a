/** Models for the benches: opened as the command line opens them, or made of random numbers in memory. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../src/backends/backend.ts';
import { chunkData, defaultEvalSettings } from '../src/eval/chunks.ts';
import { expectedTensors } from '../src/formats/huggingface/tensorShapes.ts';
import { openModel } from '../src/formats/openModel.ts';
import { uniformLayers, type ModelConfig } from '../src/model/config.ts';
import type { Transformer } from '../src/model/transformer.ts';
import { walkOf } from '../src/model/walk.ts';
import type { WeightSource } from '../src/model/weights.ts';
import { openSession } from '../src/session/session.ts';
import { seededRng } from '../src/tensor/rng.ts';
import { numel } from '../src/tensor/shape.ts';

export const planted: string = fileURLToPath(new URL('../tiny-models/planted', import.meta.url));
const textFile = new URL('../tiny-models/data/tiny.txt', import.meta.url);

export interface BenchModel {
  model: Transformer;
  /** The first chunks of tiny-models/data/tiny.txt, all of one length. */
  chunks: readonly Int32Array[];
  close(): Promise<void>;
}

/** A model from disk with `count` chunks of `length` tokens; closing it disposes of the backend too. */
export async function openBenchModel(
  path: string,
  backend: Backend,
  count: number,
  length: number,
): Promise<BenchModel> {
  const opened = await openModel(path);
  const open = (): Promise<{ backend: Backend; why: string }> =>
    Promise.resolve({ backend, why: 'the bench asks for it' });
  const workload = { chunk: length, streams: walkOf(opened.weights.config).length };
  const session = await openSession(opened.weights, open, Math.min(2 ** 32, backend.capacityBytes), workload);
  const { model } = session;
  const rows = { kind: 'rows' as const, rows: [readFileSync(textFile, 'utf8')] };
  const settings = { ...defaultEvalSettings, chunk: length, tokens: count * length };
  const { ids } = chunkData('tiny.txt', rows, model.config, opened.tokenizer, settings);
  return {
    model,
    chunks: ids,
    async close() {
      await session.close();
      await opened.close();
    },
  };
}

/** Two layers of SmolLM2-135M's shape and a vocabulary of 2,048: wide enough for threads to pay, quick to make. */
const wideConfig: ModelConfig = {
  family: 'llama',
  hiddenSize: 576,
  layers: uniformLayers({ heads: 9, kvHeads: 3, intermediateSize: 1536, windows: [null, null] }),
  headDim: 64,
  vocabSize: 2048,
  maxPositionEmbeddings: 2048,
  norm: { type: 'rms', eps: 1e-5 },
  mlp: 'swiglu',
  rope: { theta: 100_000, scaling: { type: 'default' } },
  learnedPositions: false,
  attentionBias: { qkv: false, output: false },
  mlpBias: false,
  qkNorm: false,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};

/** A model of random weights, scaled so that activations keep their size. */
export function wideSource(): WeightSource {
  const rng = seededRng(1);
  const data = new Map<string, Float32Array>();
  const shapes = [...expectedTensors(wideConfig)];
  for (const [name, { shape }] of shapes) {
    const scale = shape.length === 1 ? 1 : 1 / Math.sqrt(shape[1]);
    const isGain = shape.length === 1;
    data.set(
      name,
      Float32Array.from({ length: numel(shape) }, () => (isGain ? 1 : scale * (4 * rng.uniform() - 2))),
    );
  }
  const find = (name: string): Float32Array => {
    const found = data.get(name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    return found;
  };
  return {
    name: 'random weights',
    config: wideConfig,
    tensors: new Map(shapes.map(([name, { shape }]) => [name, { shape, dtype: 'F32', bytes: 4 * numel(shape) }])),
    tensor: (name) => Promise.resolve(find(name)),
    rows(name, from, to) {
      const width = find(name).length / wideConfig.vocabSize;
      return Promise.resolve(find(name).subarray(from * width, to * width));
    },
    contentHash: () => Promise.resolve(''),
    assertUnchanged: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
