import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { countParameters } from '../../src/model/parameters.ts';
import { blockTensorNames } from '../../src/model/blockTensors.ts';
import { modelTensorNames } from '../../src/model/tensorNames.ts';
import { blocksInWalkOrder } from './layers.ts';
import { someFamily } from './modelArbitraries.ts';
import { TINY_CONTEXT, TINY_VOCAB, tinySource } from './tinyTransformer.ts';

// Sizes of the tiny models: C = 16, F = 24, H·D = 24 (GPT-2: 16), K·D = 12, D = 6.
const [C, F, Q, K, D, V] = [16, 24, 24, 12, 6, TINY_VOCAB];
const mha = C + 2 * Q * C + 2 * K * C;
const mlp = C + 3 * F * C;
const gpt2Mha = 2 * C + (3 * C * C + 3 * C) + (C * C + C);
const gpt2Mlp = 2 * C + (C * F + F) + (F * C + C);
const ends = 2 * V * C + C;

describe('countParameters', () => {
  it.each([
    { family: 'llama', byKind: { mha, mlp }, outside: ends },
    { family: 'mistral', byKind: { mha, mlp }, outside: ends },
    { family: 'qwen2', byKind: { mha: mha + Q + 2 * K, mlp }, outside: ends },
    { family: 'qwen3', byKind: { mha: mha + 2 * D, mlp }, outside: ends },
    // The head is tied: the embedding counts once.
    { family: 'gpt2', byKind: { mha: gpt2Mha, mlp: gpt2Mlp }, outside: V * C + TINY_CONTEXT * C + 2 * C },
  ] as const)('$family: equals the sum by hand', async ({ family, byKind, outside }) => {
    const counts = countParameters(await tinySource({ family, layers: 3 }));
    expect([...counts.byBlock]).toEqual(
      [0, 1, 2].flatMap((layer) => [
        [`L${layer}.mha`, byKind.mha],
        [`L${layer}.mlp`, byKind.mlp],
      ]),
    );
    expect(counts.blocks).toBe(3 * (byKind.mha + byKind.mlp));
    expect(counts.total).toBe(counts.blocks + outside);
  });

  it('counts a tied head once, and biases where the config has them', async () => {
    const plain = countParameters(await tinySource());
    const tied = countParameters(await tinySource({ config: { tie_word_embeddings: true } }));
    expect(plain.total - tied.total).toBe(V * C);
    const biased = countParameters(await tinySource({ config: { attention_bias: true, mlp_bias: true } }));
    expect(biased.byBlock.get('L1.mha')).toBe(mha + Q + 2 * K + C);
    expect(biased.byBlock.get('L1.mlp')).toBe(mlp + 2 * F + C);
  });
});

describe('tensor names', () => {
  test.prop([someFamily, fc.integer({ min: 1, max: 4 }), fc.boolean()], { numRuns: 20 })(
    'every tensor of a model belongs to one block, or to its ends',
    async (family, layers, biased) => {
      const config = family === 'llama' ? { attention_bias: biased, mlp_bias: biased } : {};
      const source = await tinySource({ family, layers, config });
      const { embedding, positions, finalNorm, head } = modelTensorNames(source.config);
      const outside = [embedding, positions, finalNorm.weight, finalNorm.bias, head].filter((name) => name !== null);
      const inside = blocksInWalkOrder(layers).flatMap((id) => blockTensorNames(source.config, id));
      expect(new Set(inside).size).toBe(inside.length);
      expect([...new Set(outside), ...inside].toSorted()).toEqual([...source.tensors.keys()].toSorted());
    },
  );

  it('the norm before a branch goes with it', async () => {
    const { config } = await tinySource();
    expect(blockTensorNames(config, { layer: 1, kind: 'mha' })).toContain('model.layers.1.input_layernorm.weight');
    expect(blockTensorNames(config, { layer: 1, kind: 'mlp' })).toContain(
      'model.layers.1.post_attention_layernorm.weight',
    );
  });
});
