/**
 * A character model of Shakespeare's plays: ten layers, so that there is something to prune, and small enough to ship.
 *
 *   npm run cli -- train tiny-models/shakespeare/recipe.ts --out tiny-models/shakespeare
 *
 * The text is "tiny shakespeare", split as usual: the first 90 % train, the last 10 % measure.
 */
import type { Recipe } from '../../src/train/recipe.ts';

/** The 65 characters of the text, in the order of their codes. */
const alphabet = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

export const recipe: Recipe = {
  config: {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 128,
    intermediate_size: 256,
    num_hidden_layers: 10,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 32,
    vocab_size: 65,
    max_position_embeddings: 256,
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
  train: { file: '../data/shakespeare-train.txt' },
  validation: { file: '../data/shakespeare-valid.txt' },
  steps: 3_600,
  sequences: 8,
  seqLen: 256,
  lr: 3e-3,
  minLr: 3e-5,
  warmupSteps: 100,
  beta2: 0.99,
  measureEvery: 600,
  // Half as fast again as plain kernels.
  kernels: 'relaxed-fma',
};
