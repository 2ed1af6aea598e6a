/** Faults of the model, of evaluation and of the readers of files. */
import type { Mutant } from './mutant.ts';

const plain = 'spec/tiny-models/plainForward.spec.ts';
const transformer = { file: 'src/model/transformer.ts', specs: ['spec/model/transformer.spec.ts', plain] };
const block = { file: 'src/model/residualBlock.ts', specs: [plain] };
const cache = { specs: ['spec/model/kvCache.spec.ts'] };
const names = { file: 'src/model/tensorNames.ts', specs: ['spec/model/parameters.spec.ts', plain] };
const chunks = { file: 'src/eval/chunks.ts', specs: ['spec/eval/chunks.spec.ts', 'spec/eval/perplexity.spec.ts'] };

export const modelMutants: readonly Mutant[] = [
  {
    ...transformer,
    name: 'NLL targets not shifted: each token is its own target',
    from: 'targets.set(tokens.subarray(1), sequence * seqLen)',
    to: 'targets.set(tokens.subarray(0, -1), sequence * seqLen)',
  },
  {
    ...transformer,
    name: 'NLL of the last position counts, that of the first does not',
    from: 'rows.subarray(sequence * seqLen, (sequence + 1) * seqLen - 1)',
    to: 'rows.subarray(sequence * seqLen + 1, (sequence + 1) * seqLen)',
  },
  {
    ...transformer,
    file: 'src/model/head.ts',
    name: 'every head tile is taken for the first',
    from: 'backend.nllTile(x, tile, first, repeated',
    to: 'backend.nllTile(x, tile, 0, repeated',
  },
  {
    ...transformer,
    file: 'src/model/head.ts',
    name: 'the head’s last, shorter tile is left out',
    from: `for (let first = 0; first < config.vocabSize; first += HEAD_TILE) {
      for (`,
    to: `for (let first = 0; first === 0 || first + HEAD_TILE <= config.vocabSize; first += HEAD_TILE) {
      for (`,
  },
  {
    file: 'src/model/walk.ts',
    specs: ['spec/model/walk.spec.ts', plain],
    name: 'mask of the wrong kind: MHA for MLP',
    from: '!mask.has(block)',
    to: "!mask.has({ ...block, kind: block.kind === 'mha' ? 'mlp' : 'mha' })",
  },
  {
    ...transformer,
    file: 'src/model/ownership.ts',
    name: 'a pass that fails keeps its stream',
    from: `  try {
    return await use(x);
  } finally {
    backend.free(x);
  }`,
    to: `  const made = await use(x);
  backend.free(x);
  return made;`,
  },
  {
    ...transformer,
    file: 'src/model/head.ts',
    name: 'a head that fails keeps its sums',
    from: 'await Promise.allSettled(states.map(async (state) => backend.finishNll(state)));',
    to: '',
  },
  {
    ...cache,
    file: 'src/model/kvCache.ts',
    name: 'all MHA blocks share one KV slot',
    from: 'const slot = this.slot(layer);',
    to: 'const slot = [...this.#slots.values()][0] ?? this.slot(layer);',
  },
  {
    ...cache,
    file: 'src/model/kvCache.ts',
    name: 'KV slot of a removed MHA: there when its MLP is removed',
    from: "if (kind === 'mlp') continue;",
    to: "if (kind === 'mha') continue;",
  },
  {
    ...cache,
    file: 'src/model/kvCache.ts',
    name: 'KV slot for every MHA, removed or not',
    from: 'walkOf(config, mask)',
    to: 'walkOf(config)',
  },
  {
    file: 'src/model/loadBlock.ts',
    specs: ['spec/model/transformer.spec.ts'],
    name: 'a block of which one tensor is missing keeps the others',
    from: '    loaded.free();',
    to: '',
  },
  {
    ...block,
    name: 'GELU variants of the config swapped',
    from: "config.mlp === 'gelu' ? 'erf' : 'tanh'",
    to: "config.mlp === 'gelu' ? 'tanh' : 'erf'",
  },
  {
    ...block,
    name: 'keys are not turned by RoPE',
    from: 'k = ops.rope(k, at.rope, { heads: kvHeads, headDim, seqLen, start });',
    to: '',
  },
  {
    ...block,
    name: 'the branch is normed but not added to the stream',
    from: 'return ops.add(x, branch);',
    to: 'return ops.add(applyNorm(ops, config, block.norm, x), branch);',
  },
  {
    ...block,
    name: 'the window of the first layer holds for all',
    specs: [plain, 'spec/model/transformer.spec.ts'],
    from: 'const { heads, kvHeads, window } = mhaSpec(config, block.layer);',
    to: 'const { heads, kvHeads } = mhaSpec(config, block.layer);\n  const { window } = mhaSpec(config, 0);',
  },
  {
    ...block,
    name: 'Qwen3: the query’s gain norms the key too',
    from: 'k = normHeads(ops, k, block.kNorm, config)',
    to: 'k = normHeads(ops, k, block.qNorm ?? block.kNorm, config)',
  },
  {
    ...names,
    name: 'tied head: a head of its own is not looked at',
    from: "config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight'",
    to: "'model.embed_tokens.weight'",
  },
  {
    ...names,
    name: 'both branches of a layer take the MLP’s norm',
    from: 'norm(`${prefix}.input_layernorm`, false)',
    to: 'norm(`${prefix}.post_attention_layernorm`, false)',
  },
  {
    file: 'src/eval/perplexity.ts',
    specs: ['spec/eval/perplexity.spec.ts'],
    name: 'token mean, not the mean of the chunks’ means',
    from: '({ value: nats / targets, weight: 1 })',
    to: '({ value: nats, weight: targets })',
  },
  {
    ...chunks,
    name: 'pad id 0 is ignored too',
    from: 'config.padTokenId !== null && config.padTokenId > 0 ?',
    to: 'config.padTokenId !== null && config.padTokenId >= 0 ?',
  },
  {
    ...chunks,
    name: 'pad id: what follows one is ignored, not the pad itself',
    from: 'chunks.ids[index][target + 1] !== chunks.ignoredId',
    to: 'chunks.ids[index][target] !== chunks.ignoredId',
  },
  {
    ...chunks,
    name: 'the first new target of an overlapping chunk is left out',
    from: 'target + 1 >= chunks.chunk - chunks.stride',
    to: 'target >= chunks.chunk - chunks.stride',
  },
  {
    file: 'src/model/sampler.ts',
    specs: ['spec/model/sampler.spec.ts'],
    name: 'greedy: the last of equal logits',
    from: 'if (values[i] > values[best]) best = i;',
    to: 'if (values[i] >= values[best]) best = i;',
  },
  {
    file: 'src/formats/gguf/legacyQuants.ts',
    specs: ['spec/formats/gguf/dequantize.spec.ts'],
    name: 'Q4_0: high nibbles first',
    from: `      out[o + i] = ((byte & 15) - 8) * d;
      out[o + 16 + i] = ((byte >> 4) - 8) * d;`,
    to: `      out[o + i] = ((byte >> 4) - 8) * d;
      out[o + 16 + i] = ((byte & 15) - 8) * d;`,
  },
  {
    file: 'src/formats/gguf/kQuants.ts',
    specs: ['spec/formats/gguf/dequantize.spec.ts'],
    name: 'Q4_K: high nibbles first',
    from: `      const from = at + 16 + 32 * (b >> 1);
      const shift = 4 * (b & 1);`,
    to: `      const from = at + 16 + 32 * (b >> 1);
      const shift = 4 * (~b & 1);`,
  },
  {
    file: 'src/formats/gguf/kQuants.ts',
    specs: ['spec/formats/gguf/dequantize.spec.ts'],
    name: 'Q6_K: low halves first in both',
    from: 'const lowShift = c < 2 ? 0 : 4;',
    to: 'const lowShift = c % 2 === 0 ? 0 : 4;',
  },
  {
    file: 'src/formats/gguf/headRows.ts',
    specs: ['spec/formats/gguf/headRows.spec.ts'],
    name: 'GGUF: rows of q and k as they stand in the file',
    from: 'return 2 * (row - (half * headDim) / 2) + half;',
    to: 'return row + 0 * half;',
  },
  {
    file: 'src/formats/gguf/headRows.ts',
    specs: ['spec/formats/gguf/headRows.spec.ts'],
    name: 'GGUF: rows of q and k interleaved once more',
    from: `const from = (head * headDim + placeInFile(row, headDim)) * width;
      out.set(data.subarray(from, from + width), (head * headDim + row) * width);`,
    to: `const from = (head * headDim + row) * width;
      out.set(data.subarray(from, from + width), (head * headDim + placeInFile(row, headDim)) * width);`,
  },
  {
    file: 'src/formats/gguf/tensorMap.ts',
    specs: ['spec/formats/gguf/headRows.spec.ts'],
    name: 'GGUF: keys have as many heads as queries',
    from: 'interleaved ? kvHeads : 0',
    to: 'interleaved ? heads : 0',
  },
  {
    file: 'src/formats/gguf/tensorMap.ts',
    specs: ['spec/formats/gguf/headRows.spec.ts'],
    name: 'GGUF: rows of q and k are taken for interleaved in every architecture',
    from: "const interleaved = config.family === 'llama' || config.family === 'mistral';",
    to: "const interleaved = config.family !== 'gpt2';",
  },
];
