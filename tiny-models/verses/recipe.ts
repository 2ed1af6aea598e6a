/**
 * Shakespeare's plays again, in tokens of a byte-pair encoding: a model whose files are such as Hugging Face's tools write
 * and read, tokenizer included, at a thousandth of the size.
 *
 *   npm run cli -- train tiny-models/verses/recipe.ts --out tiny-models/verses
 */
import { readFileSync } from 'node:fs';
import type { Recipe } from '../../src/train/recipe.ts';
import { file, VOCABULARY } from './tokenizer.ts';

export const recipe: Recipe = {
  config: {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 6,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 24,
    vocab_size: VOCABULARY,
    max_position_embeddings: 128,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: 'silu',
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: null,
    torch_dtype: 'float16',
  },
  tokenizer: JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>,
  seed: 1,
  train: { file: '../data/shakespeare-train.txt' },
  validation: { file: '../data/shakespeare-valid.txt' },
  steps: 900,
  sequences: 16,
  seqLen: 128,
  lr: 3e-3,
  minLr: 3e-5,
  warmupSteps: 60,
  beta2: 0.99,
  measureEvery: 300,
};
