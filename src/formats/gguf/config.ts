/**
 * GGUF metadata as a ModelConfig. Only what is known to be computed right passes; whatever would
 * change the numbers is refused by name. Key names are those of the GGUF description of the ggml
 * project.
 */
import { FormatError, UnsupportedModelError } from '../../errors.ts';
import type { BlockKind } from '../../model/blockId.ts';
import { uniformLayers, type FamilyName, type LayerSpec, type ModelConfig } from '../../model/config.ts';
import { hasFiniteAngles } from '../../model/ropeAngles.ts';
import { quoted } from '../quoted.ts';
import { ArchMetadata } from './archMetadata.ts';
import type { GgufFile } from './parse.ts';
import { ggufRope } from './ropeConfig.ts';

/**
 * GGUF architecture → family. Mistral's models are written with arch llama. Arch deci is llama
 * whose layers differ: in width, and in whether they have an attention and an MLP.
 */
const families: ReadonlyMap<string, FamilyName> = new Map([
  ['llama', 'llama'],
  ['deci', 'llama'],
  ['qwen2', 'qwen2'],
  ['qwen3', 'qwen3'],
  ['gpt2', 'gpt2'],
]);

/** Keys of which we compute one value only, the one that leaves the plain architecture. */
const neutralValues: Readonly<Record<string, number | boolean>> = {
  expert_count: 0,
  logit_scale: 1,
  residual_scale: 1,
  embedding_scale: 1,
  attn_logit_softcapping: 0,
  final_logit_softcapping: 0,
  use_parallel_residual: false,
  'attention.causal': true,
  'attention.scale': 0,
  'attention.max_alibi_bias': 0,
  'attention.clamp_kqv': 0,
  'attention.temperature_scale': 0,
  'attention.sliding_window_pattern': 0,
  // Scales cos and sin whatever the type of scaling, and with them every attention logit.
  'rope.scaling.attn_factor': 1,
};

/**
 * Bounds on what metadata may claim, far above any model's, so that nothing huge is built from a
 * damaged file.
 */
const MAX_LAYERS = 4096;
const MAX_HEADS = 1 << 16;
const MAX_SIZE = 1 << 24;
const MAX_CONTEXT = 2 ** 31;

/**
 * The model that a file's metadata and tensor names describe.
 * @param ropeDivisors the values of `rope_freqs.weight`, or null where the file has no such tensor.
 * @param repeatedHead whether the head's tensor is the embedding's over again.
 * @throws UnsupportedModelError for an architecture or a setting that we do not compute,
 * FormatError for a missing or impossible value.
 */
export function ggufConfig(file: GgufFile, ropeDivisors: Float32Array | null, repeatedHead = false): ModelConfig {
  const { arch, family } = architecture(file);
  const read = new ArchMetadata(file, arch);
  for (const [key, value] of Object.entries(neutralValues)) read.expect(key, value);
  const gpt2 = family === 'gpt2';
  const has = (name: string): boolean => file.tensors.has(name);

  const count = read.count('block_count', MAX_LAYERS);
  const maxPositionEmbeddings = read.count('context_length', MAX_CONTEXT);
  const vocabSize = vocabularySize(file);
  const window = slidingWindow(read, arch, maxPositionEmbeddings);
  const layers = arch === 'deci' ? deciLayers(read, count, window) : alikeLayers(read, count, window);
  const { hiddenSize, headDim } = widths(read, layers, gpt2);
  // A bias that only some layers have is found when the tensors are looked up.
  const hasBias = (kind: BlockKind, name: string): boolean => {
    return has(
      `blk.${Math.max(
        0,
        layers.findIndex((spec) => spec[kind] !== null),
      )}.${name}.bias`,
    );
  };
  const config: ModelConfig = {
    family,
    hiddenSize,
    headDim,
    layers,
    vocabSize,
    maxPositionEmbeddings,
    norm: gpt2
      ? { type: 'layer', eps: read.positive('attention.layer_norm_epsilon') }
      : { type: 'rms', eps: read.positive('attention.layer_norm_rms_epsilon') },
    mlp: gpt2 ? 'gelu_new' : 'swiglu',
    rope: gpt2 ? null : ggufRope(file, read, ropeDivisors, headDim),
    learnedPositions: gpt2,
    attentionBias: { qkv: gpt2 || hasBias('mha', 'attn_q'), output: gpt2 || hasBias('mha', 'attn_output') },
    mlpBias: gpt2 || hasBias('mlp', 'ffn_up'),
    qkNorm: family === 'qwen3',
    tieWordEmbeddings: repeatedHead || !has('output.weight'),
    bosTokenId: tokenId(file, 'bos_token_id', vocabSize),
    eosTokenIds: endTokens(file, vocabSize),
    padTokenId: tokenId(file, 'padding_token_id', vocabSize),
  };
  if (hasFiniteAngles(config)) return config;
  throw read.bad(`${arch}.rope.* (freq_base, scaling.factor) give angles that are not finite numbers.`);
}

function architecture(file: GgufFile): { arch: string; family: FamilyName } {
  const arch = file.metadata.get('general.architecture');
  if (typeof arch !== 'string') throw new FormatError("key 'general.architecture' is missing.", { where: file.name });
  const family = families.get(arch);
  if (family === undefined) {
    throw new UnsupportedModelError(`architecture ${quoted(arch, 40)} is not supported.`, {
      where: file.name,
      remedy: `Supported are ${[...families.keys()].join(', ')}.`,
    });
  }
  return { arch, family };
}

/** Layers of an architecture in which they are all alike. */
function alikeLayers(read: ArchMetadata, count: number, window: number | null): LayerSpec[] {
  const heads = read.count('attention.head_count', MAX_HEADS);
  return uniformLayers({
    heads,
    kvHeads: read.count('attention.head_count_kv', MAX_HEADS, heads),
    intermediateSize: read.count('feed_forward_length', MAX_SIZE),
    windows: Array.from({ length: count }, () => window),
  });
}

/**
 * Layers of arch deci: one number for all of them, or one a layer. No heads, no attention; no
 * width, no MLP.
 * @throws UnsupportedModelError for heads without key/value heads, which llama.cpp takes for an
 * attention that is one matrix.
 */
function deciLayers(read: ArchMetadata, count: number, window: number | null): LayerSpec[] {
  const heads = read.counts('attention.head_count', count, MAX_HEADS);
  const kvHeads = read.counts('attention.head_count_kv', count, MAX_HEADS, heads);
  const sizes = read.counts('feed_forward_length', count, MAX_SIZE);
  return heads.map((own, layer) => {
    if (own > 0 && kvHeads[layer] === 0) throw read.unsupported('attention.head_count_kv', `0 in layer ${layer}`);
    return {
      mha: own === 0 ? null : { heads: own, kvHeads: kvHeads[layer], window },
      mlp: sizes[layer] === 0 ? null : { intermediateSize: sizes[layer] },
    };
  });
}

function widths(
  read: ArchMetadata,
  layers: readonly LayerSpec[],
  gpt2: boolean,
): Pick<ModelConfig, 'hiddenSize' | 'headDim'> {
  const hiddenSize = read.count('embedding_length', MAX_SIZE);
  const attentions = layers.flatMap(({ mha }) => (mha === null ? [] : [mha]));
  const headDim = read.count('attention.key_length', MAX_HEADS, hiddenSize / (attentions.at(0)?.heads ?? 1));
  read.expect('attention.value_length', headDim);
  for (const { heads, kvHeads } of attentions) {
    if (heads % kvHeads === 0 && (!gpt2 || kvHeads === heads)) continue;
    throw read.bad(`${heads} heads cannot share ${kvHeads} key/value heads.`);
  }
  if (!gpt2 && headDim % 2 !== 0) throw read.bad(`heads of ${headDim} numbers cannot be rotated in pairs.`);
  return { hiddenSize, headDim };
}

/** Rows of the embedding: metadata may count otherwise, where a vocabulary was padded. */
function vocabularySize(file: GgufFile): number {
  const embedding = file.tensors.get('token_embd.weight');
  if (embedding?.dims.length === 2) return embedding.dims[1];
  throw new FormatError(`tensor 'token_embd.weight' is ${embedding === undefined ? 'missing' : 'not a matrix'}.`, {
    where: file.name,
  });
}

/**
 * The sliding window of every layer. Under arch llama it is Mistral's, which all layers have;
 * llama.cpp ignores the key there, so beyond the window its numbers differ from ours, which follow
 * the model as it was trained. Other architectures window some layers only, and the file does not
 * tell which. A window as long as the context has no effect.
 */
function slidingWindow(read: ArchMetadata, arch: string, context: number): number | null {
  const window = read.number('attention.sliding_window') ?? 0;
  if (window === 0 || window >= context) return null;
  if (arch !== 'llama' && arch !== 'deci') throw read.unsupported('attention.sliding_window', window);
  return read.count('attention.sliding_window', MAX_CONTEXT);
}

/** End of text and, where it is another token, end of turn. */
function endTokens(file: GgufFile, vocabSize: number): number[] {
  const ids = ['eos_token_id', 'eot_token_id'].map((key) => tokenId(file, key, vocabSize));
  return [...new Set(ids)].filter((id) => id !== null);
}

/**
 * A token id under `tokenizer.ggml`; null where it is missing or, as −1 in some files, none of the
 * vocabulary's.
 */
function tokenId(file: GgufFile, key: string, vocabSize: number): number | null {
  const id = file.metadata.get(`tokenizer.ggml.${key}`);
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize ? id : null;
}
