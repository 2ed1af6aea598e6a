/**
 * A model that sorts eight letters, exactly: what it can do is one number that everybody understands, and pruning takes it
 * away block by block.
 *
 *   npm run cli -- train tiny-models/sorter/recipe.ts --out tiny-models/sorter
 */
import { Mask } from '../../src/model/mask.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import type { Recipe } from '../../src/train/recipe.ts';
import { accuracy, alphabet, drawProblems, SEQ_LEN } from './task.ts';

export const recipe: Recipe = {
  config: {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    head_dim: 16,
    vocab_size: alphabet.length,
    max_position_embeddings: SEQ_LEN + 1,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: 'silu',
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: null,
    torch_dtype: 'float16',
  },
  tokenizer: { type: 'blockpruner-char', alphabet },
  seed: 1,
  train: {
    draw: (rng, sequences) => drawProblems(rng, sequences),
    // Problems of its own: training draws from generators of other names.
    measure: async (model) => ({ accuracy: await accuracy(model, Mask.empty, seededRng(2), 2_000) }),
  },
  steps: 1_500,
  sequences: 64,
  seqLen: SEQ_LEN,
  lr: 3e-3,
  minLr: 3e-5,
  warmupSteps: 100,
  beta2: 0.99,
  measureEvery: 250,
};
