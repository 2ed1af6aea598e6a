/** Random models of any size as GGUF, piece by piece: for measuring what depends on a model's size and on nothing else. */
import { ggufTensorMap } from '../src/formats/gguf/tensorMap.ts';
import { quantTypes, type QuantType } from '../src/formats/gguf/quantTypes.ts';
import type { TypedValue } from '../src/formats/gguf/valueTypes.ts';
import { streamGguf, type GgufTensorShape } from '../src/formats/gguf/write.ts';
import { uniformLayers, type ModelConfig } from '../src/model/config.ts';
import { encodeF16 } from '../src/tensor/halfFloat.ts';
import { seededRng, type Rng } from '../src/tensor/rng.ts';

/** The sizes of a model of arch llama. */
export interface LlamaShape {
  layers: number;
  hidden: number;
  intermediate: number;
  heads: number;
  kvHeads: number;
  vocab: number;
  context: number;
  ropeTheta: number;
  /** The head is the embedding. */
  tied: boolean;
}

export const shapes: Readonly<Record<string, LlamaShape>> = {
  tinyllama: {
    layers: 22,
    hidden: 2048,
    intermediate: 5632,
    heads: 32,
    kvHeads: 4,
    vocab: 32_000,
    context: 2048,
    ropeTheta: 10_000,
    tied: false,
  },
  smollm2: {
    layers: 30,
    hidden: 576,
    intermediate: 1536,
    heads: 9,
    kvHeads: 3,
    vocab: 49_152,
    context: 8192,
    ropeTheta: 100_000,
    tied: true,
  },
  'llama-3.2-1b': {
    layers: 16,
    hidden: 2048,
    intermediate: 8192,
    heads: 32,
    kvHeads: 8,
    vocab: 128_256,
    context: 131_072,
    ropeTheta: 500_000,
    tied: true,
  },
};

export const weightTypes = ['q8_0', 'q4_0', 'f16'] as const;
export type WeightType = (typeof weightTypes)[number];

export interface RandomModel {
  shape: LlamaShape;
  /**
   * How matrices are stored; one whose rows are not a whole number of blocks is F16. Norms are F32.
   */
  type: WeightType;
  seed: number;
  /** Whether to write a vocabulary: the bytes, and names that stand for nothing. */
  vocabulary: boolean;
}

/** Values made at a time. */
const PIECE = 1 << 18;

/** The file in pieces. The same model gives the same bytes, and a tensor's depend on its name and the seed alone. */
export function randomGguf(model: RandomModel): AsyncGenerator<Uint8Array, void> {
  const type = quantTypes[{ q8_0: 'Q8_0', q4_0: 'Q4_0', f16: 'F16' }[model.type] as 'Q8_0' | 'Q4_0' | 'F16'];
  const tensors = new Map<string, GgufTensorShape>();
  for (const { name, shape } of ggufTensorMap(configOf(model.shape)).values()) {
    const dims = shape.toReversed();
    const stored = dims[0] % type.blockElements === 0 ? type : quantTypes.F16;
    tensors.set(name, { type: dims.length === 1 ? quantTypes.F32 : stored, dims });
  }
  const rng = seededRng(model.seed);
  return streamGguf({ metadata: metadataOf(model), tensors }, (name) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    return tensor.dims.length === 1 ? [gains(rng.fork(name), tensor.dims[0])] : matrix(rng.fork(name), tensor);
  });
}

function gains(rng: Rng, count: number): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: count }, () => 1 + 0.1 * rng.normal()).buffer);
}

/** Values of variance 1 / row length, so that every projection keeps a row about as long as it was. */
function* matrix(rng: Rng, { type, dims }: GgufTensorShape): Generator<Uint8Array> {
  const [width, rows] = dims;
  const deviation = 1 / Math.sqrt(width);
  const count = width * rows;
  for (let done = 0; done < count; done += PIECE) {
    const values = Math.min(PIECE, count - done);
    yield type.name === 'F16' ? halves(rng, values, deviation) : blocks(rng, values, type, deviation);
  }
}

function halves(rng: Rng, count: number, deviation: number): Uint8Array {
  const range = deviation * Math.sqrt(12);
  return new Uint8Array(encodeF16(Float32Array.from({ length: count }, () => (rng.uniform() - 0.5) * range)).buffer);
}

/** Blocks of an F16 scale and integers that all patterns of their bits are as likely in. */
function blocks(rng: Rng, count: number, type: QuantType, deviation: number): Uint8Array {
  // Deviation of the integers: 256 or 16 equally likely ones.
  const spread = Math.sqrt(((type.name === 'Q8_0' ? 256 : 16) ** 2 - 1) / 12);
  const [scale] = encodeF16(Float32Array.of(deviation / spread));
  const bytes = new Uint8Array((count / type.blockElements) * type.blockBytes);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += type.blockBytes) {
    view.setUint16(at, scale, true);
    for (let i = 2; i < type.blockBytes; i += 4) view.setUint32(at + i, rng.uniform() * 2 ** 32, true);
  }
  return bytes;
}

function configOf(shape: LlamaShape): ModelConfig {
  return {
    family: 'llama',
    hiddenSize: shape.hidden,
    layers: uniformLayers({
      heads: shape.heads,
      kvHeads: shape.kvHeads,
      intermediateSize: shape.intermediate,
      windows: Array.from({ length: shape.layers }, () => null),
    }),
    headDim: shape.hidden / shape.heads,
    vocabSize: shape.vocab,
    maxPositionEmbeddings: shape.context,
    norm: { type: 'rms', eps: 1e-5 },
    mlp: 'swiglu',
    rope: null,
    learnedPositions: false,
    attentionBias: { qkv: false, output: false },
    mlpBias: false,
    qkNorm: false,
    tieWordEmbeddings: shape.tied,
    bosTokenId: null,
    eosTokenIds: [],
    padTokenId: null,
  };
}

function metadataOf({ shape, vocabulary }: RandomModel): Map<string, TypedValue> {
  const u32 = (value: number): TypedValue => ({ type: 'u32', value });
  const f32 = (value: number): TypedValue => ({ type: 'f32', value });
  return new Map<string, TypedValue>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['llama.block_count', u32(shape.layers)],
    ['llama.context_length', u32(shape.context)],
    ['llama.embedding_length', u32(shape.hidden)],
    ['llama.feed_forward_length', u32(shape.intermediate)],
    ['llama.attention.head_count', u32(shape.heads)],
    ['llama.attention.head_count_kv', u32(shape.kvHeads)],
    ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
    ['llama.rope.dimension_count', u32(shape.hidden / shape.heads)],
    ['llama.rope.freq_base', f32(shape.ropeTheta)],
    ...(vocabulary ? dummyVocabulary(shape.vocab) : []),
  ]);
}

/** The least that llama.cpp takes: three special tokens and the 256 bytes; the rest is never produced by any text. */
function dummyVocabulary(size: number): [string, TypedValue][] {
  const special = ['<unk>', '<s>', '</s>'];
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const named = [...special, ...bytes];
  const tokens = Array.from({ length: size }, (_, id) => named[id] ?? `[PAD${id}]`);
  const types = Int32Array.from(tokens, (_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < named.length ? 6 : 5));
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { type: { array: 'string' }, value: tokens }],
    ['tokenizer.ggml.scores', { type: { array: 'f32' }, value: new Float32Array(size) }],
    ['tokenizer.ggml.token_type', { type: { array: 'i32' }, value: types }],
    ['tokenizer.ggml.bos_token_id', { type: 'u32', value: 1 }],
    ['tokenizer.ggml.eos_token_id', { type: 'u32', value: 2 }],
    ['tokenizer.ggml.unknown_token_id', { type: 'u32', value: 0 }],
  ];
}
