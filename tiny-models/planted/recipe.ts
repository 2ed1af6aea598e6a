/**
 * A model whose removal order is known by proof. `node tiny-models/planted/recipe.ts` writes config.json,
 * model.safetensors, tokenizer.json and golden.json beside this file, the same bytes everywhere.
 *
 * The residual stream has three parts, and no part ever disturbs another:
 *
 *   0 … 61   which byte this is, one-hot          written by the embedding, read by q, k and the head
 *   62       a constant, 4096                     written by the embedding, read by v, gate and up
 *   63       s, 0 at first                        each block adds its own constant, a multiple of 1/64; read by the head
 *
 * Norms do nothing but divide by 512: a row's squares sum to 2²⁴ + (0 or 1) + s² with s < 1, so its root mean square is
 * 512 = 4096/√64 to within 2⁻²⁴, the precision of f32, for every token, position and mask. So the constant is always
 * seen as 8. A large constant coordinate is not far-fetched: trained models have them (massive activations, Sun et al. 2024).
 *
 *   MHA    v = 8 · 1/8 = 1 for every token; attention averages ones, which gives 1 whatever q and k say (they are noise
 *          here); o multiplies it by the block's constant and adds it to s.
 *   MLP    gate = 8 · 4 = 32 and silu(32) = 32 to 13 digits; up = 8 / 256 = 1/32; their product 1 goes through down.
 *   head   logits after byte a = lift[a] + s · unigram (bigram.ts). At s = 1 this is the text's bigram model.
 *
 * Proof of the order. A target's NLL is log-sum-exp of logits that are affine in s, minus one of them: convex in s. So is
 * the mean over any text. Where its slope at the dense model's s = 54/64 is negative, it is negative, and NLL falls
 * strictly, on all of 0 … 54/64. (The one thing that depends on the text; golden.ts checks it.) Hence the smaller the
 * constant a removal takes from s, the lower the perplexity it leaves: in each step the smallest goes, and of equal ones
 * (three blocks add nothing: a stream is bit-equal with and without them) the first tried. The same holds for sets of
 * blocks, so no other order is better at any step.
 *
 * Rounding cannot change that. The weights are F16 numbers as they stand; constants that differ do so by 1/64 or more,
 * which moves the NLL by 6·10⁻⁴ at the least, where f32 kernels err by about 10⁻⁶.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serializeSafetensors, type TensorToWrite } from '../../src/formats/safetensors/write.ts';
import { seededRng, type Rng } from '../../src/tensor/rng.ts';
import { bigramOf, VOCABULARY } from './bigram.ts';
import { CHUNK } from './closedForm.ts';
import { goldenOf } from './golden.ts';
import { CONSTANT, CONSTANT_VALUE, SUM, WIDTH } from './stream.ts';

const HEAD_DIM = 8;
const HIDDEN = 16;
const RMS = 512;

/** What a layer's MHA and MLP add to s, in 64ths: the ends of the model matter, its middle does not. 54 in all. */
const adds: readonly { mha: number; mlp: number }[] = [
  { mha: 8, mlp: 9 },
  { mha: 6, mlp: 7 },
  { mha: 5, mlp: 0 },
  { mha: 0, mlp: 4 },
  { mha: 0, mlp: 3 },
  { mha: 2, mlp: 10 },
];

const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: WIDTH,
  intermediate_size: HIDDEN,
  num_hidden_layers: adds.length,
  num_attention_heads: 1,
  num_key_value_heads: 1,
  head_dim: HEAD_DIM,
  vocab_size: VOCABULARY,
  max_position_embeddings: CHUNK,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  hidden_act: 'silu',
  tie_word_embeddings: false,
  bos_token_id: null,
  eos_token_id: null,
  torch_dtype: 'float16',
};

/** The files by name. */
export function plantedFiles(text: Uint8Array): Map<string, Uint8Array> {
  const byBlock = adds.flatMap(({ mha, mlp }, layer) => [
    [`L${layer}.mha`, mha],
    [`L${layer}.mlp`, mlp],
  ]);
  return new Map([
    ['config.json', json(config)],
    ['tokenizer.json', json({ type: 'blockpruner-byte' })],
    ['model.safetensors', serializeSafetensors(weights(text))],
    ['golden.json', json(goldenOf(text, Object.fromEntries(byBlock)))],
  ]);
}

function weights(text: Uint8Array): Map<string, TensorToWrite> {
  const { bytes, unigram, lift } = bigramOf(text);
  if (bytes.length > CONSTANT) throw new Error(`${bytes.length} bytes do not fit into ${CONSTANT} coordinates.`);
  const tensors = new Map<string, TensorToWrite>();
  const add = (name: string, shape: readonly [number, number], cell: (row: number, column: number) => number): void => {
    const [rows, columns] = shape;
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < data.length; i++) data[i] = cell(Math.floor(i / columns), i % columns);
    tensors.set(`${name}.weight`, { shape: name.endsWith('norm') ? [columns] : shape, dtype: 'F16', data });
  };
  /** A matrix of zeros but for one cell. */
  const single =
    (row: number, column: number, value: number) =>
    (r: number, c: number): number =>
      r === row && c === column ? value : 0;

  add('model.embed_tokens', [VOCABULARY, WIDTH], (byte, c) => {
    if (c === CONSTANT) return CONSTANT_VALUE;
    return byte === bytes[c] ? 1 : 0;
  });
  const rng = seededRng(1);
  for (const [layer, { mha, mlp }] of adds.entries()) {
    const prefix = `model.layers.${layer}`;
    add(`${prefix}.input_layernorm`, [1, WIDTH], () => 1);
    add(`${prefix}.self_attn.q_proj`, [HEAD_DIM, WIDTH], noise(rng.fork(`${layer} q`)));
    add(`${prefix}.self_attn.k_proj`, [HEAD_DIM, WIDTH], noise(rng.fork(`${layer} k`)));
    add(`${prefix}.self_attn.v_proj`, [HEAD_DIM, WIDTH], single(0, CONSTANT, 1 / 8));
    add(`${prefix}.self_attn.o_proj`, [WIDTH, HEAD_DIM], single(SUM, 0, mha / 64));
    add(`${prefix}.post_attention_layernorm`, [1, WIDTH], () => 1);
    add(`${prefix}.mlp.gate_proj`, [HIDDEN, WIDTH], single(0, CONSTANT, 4));
    add(`${prefix}.mlp.up_proj`, [HIDDEN, WIDTH], single(0, CONSTANT, 1 / 256));
    add(`${prefix}.mlp.down_proj`, [WIDTH, HIDDEN], single(SUM, 0, mlp / 64));
  }
  add('model.norm', [1, WIDTH], () => 1);
  add('lm_head', [VOCABULARY, WIDTH], (next, c) => {
    if (c === SUM) return RMS * unigram[next];
    return c < bytes.length ? RMS * lift[bytes[c] * VOCABULARY + next] : 0;
  });
  return tensors;
}

/** Standard normals, as multiples of 1/16, for the one-hot coordinates; times 512, to undo the norm. */
function noise(rng: Rng): (row: number, column: number) => number {
  return (_, column) => (column < CONSTANT ? (RMS * Math.round(16 * rng.normal())) / 16 : 0);
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = readFileSync(new URL('../data/tiny.txt', import.meta.url));
  for (const [name, bytes] of plantedFiles(text)) writeFileSync(new URL(name, import.meta.url), bytes);
}
