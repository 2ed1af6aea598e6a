import { describe, expect, it } from 'vitest';
import type { Chunks } from '../../src/eval/chunks.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import { Mask } from '../../src/model/mask.ts';
import type { PruneKind } from '../../src/prune/candidates.ts';
import { magnitude } from '../../src/prune/methods/magnitude.ts';
import { taylor } from '../../src/prune/methods/taylor.ts';
import type { RunOptions } from '../../src/prune/run.ts';
import { tinySource, tinyTransformer, type TinyOptions } from '../model/tinyTransformer.ts';
import { tinyChunks } from '../prune/tinySearch.ts';
import { resultOf, scoresOf } from './tinyMethod.ts';

const scores = async (
  kind: PruneKind,
  tiny: TinyOptions = {},
  more: Partial<RunOptions> = {},
): Promise<Record<string, number>> => scoresOf(await resultOf(taylor, { kind, ...more }, tiny));

const factors =
  (pattern: RegExp, factor: number): NonNullable<TinyOptions['edit']> =>
  (tensors) => {
    for (const [name, { data }] of tensors) {
      if (pattern.test(name)) data.forEach((value, i) => (data[i] = factor * value));
    }
  };

describe('Taylor', () => {
  /** Few enough weights that each can be moved on its own. */
  const small: TinyOptions = {
    layers: 1,
    seed: 1,
    config: { hidden_size: 4, intermediate_size: 3, num_attention_heads: 1, num_key_value_heads: 1, head_dim: 2 },
  };

  it('is Σ|W · ΔL/ΔW|, each weight of the block moved on its own', async () => {
    const chunks = tinyChunks(5, 2, 6);
    const loss = async (edit: TinyOptions['edit']): Promise<number> => {
      const { model } = await tinyTransformer({ ...small, edit });
      return (await perplexity(model, chunks, Mask.empty)).natsPerToken;
    };
    const source = await tinySource(small);
    const h = 0.02;
    for (const [block, pattern] of [
      ['L0.mha', /self_attn|input_layernorm/],
      ['L0.mlp', /mlp|post_attention/],
    ] as const) {
      let expected = 0;
      for (const name of [...source.tensors.keys()].filter((tensor) => pattern.test(tensor))) {
        for (const [index, value] of (await source.tensor(name)).entries()) {
          const moved = (by: number): Promise<number> =>
            loss((tensors) => {
              const data = tensors.get(name)?.data;
              if (data !== undefined) data[index] += by;
            });
          expected += Math.abs((value * ((await moved(h)) - (await moved(-h)))) / (2 * h));
        }
      }
      expect((await scores('mix', small, { chunks, stop: { blocks: 1 } }))[block] / expected).toBeCloseTo(1, 2);
    }
  });

  it('of a block that adds nothing is 0, and of no other', async () => {
    const mlp = await scores('mix', { edit: factors(/layers\.1\.mlp\.down_proj/, 0) });
    expect(mlp['L1.mlp']).toBe(0);
    expect(mlp['L1.mha']).toBeGreaterThan(0);
    const mha = await scores('mix', { edit: factors(/layers\.1\.self_attn\.o_proj/, 0) });
    expect(mha['L1.mha']).toBe(0);
    expect(mha['L1.mlp']).toBeGreaterThan(0);
  });

  it('goes first where it is 0', async () => {
    const { removed } = await resultOf(taylor, {}, { edit: factors(/layers\.2\.self_attn\.o_proj/, 0) });
    expect(removed[0]).toBe('L2.mha');
  });

  it.each([
    ['values and outputs', /layers\.1\.self_attn\.v_proj/, /layers\.1\.self_attn\.o_proj/],
    ['up and down', /layers\.1\.mlp\.up_proj/, /layers\.1\.mlp\.down_proj/],
  ])('does not change when %s are rescaled against each other, which magnitude does', async (_, grown, shrunk) => {
    const edit: TinyOptions['edit'] = (tensors) => {
      factors(grown, 8)(tensors);
      factors(shrunk, 1 / 8)(tensors);
    };
    const [before, after] = [await scores('mix'), await scores('mix', { edit })];
    for (const [name, score] of Object.entries(before)) expect(after[name] / score).toBeCloseTo(1, 5);
    const weights = scoresOf(await resultOf(magnitude));
    expect(scoresOf(await resultOf(magnitude, {}, { edit }))).not.toEqual(weights);
  });

  it("of a layer is its two blocks' sum", async () => {
    const blocks = await scores('mix');
    for (const [name, score] of Object.entries(await scores('layer'))) {
      const parts = name.split(',').map((block) => blocks[block]);
      expect(score / (parts[0] + parts[1])).toBeCloseTo(1, 12);
    }
  });

  it('is of the mean loss: a text said twice counts as once', async () => {
    const chunks = tinyChunks(3, 2, 8);
    const twice: Chunks = { ...chunks, ids: [...chunks.ids, ...chunks.ids] };
    const once = await scores('mix', {}, { chunks });
    for (const [name, score] of Object.entries(await scores('mix', {}, { chunks: twice }))) {
      expect(score / once[name]).toBeCloseTo(1, 5);
    }
  });

  it('sums gradients over chunks before it takes their size, so that they may cancel', async () => {
    const chunks = tinyChunks(3, 2, 8);
    const whole = await scores('mix', {}, { chunks });
    const [a, b] = await Promise.all(chunks.ids.map((ids) => scores('mix', {}, { chunks: { ...chunks, ids: [ids] } })));
    for (const name of Object.keys(whole)) expect(whole[name]).toBeLessThan((a[name] + b[name]) / 2);
  });

  it('leaves out targets that do not count', async () => {
    const chunks = tinyChunks(3, 2, 8);
    const ignored = { ...chunks, ignoredId: chunks.ids[0][3] };
    expect(await scores('mix', {}, { chunks: ignored })).not.toEqual(await scores('mix', {}, { chunks }));
    // With a stride, only what is new in a chunk counts: here the last token of each.
    const strided = { ...chunks, stride: 1 };
    expect(await scores('mix', {}, { chunks: strided })).not.toEqual(await scores('mix', {}, { chunks }));
  });

  it('is the same on WebAssembly, but for rounding', async () => {
    const gradients = (): ReturnType<typeof simdGradientBackend> =>
      simdGradientBackend({ memoryBytes: 16 * 2 ** 20, threads: 1, spawn: nodeSpawnWorker });
    const plain = await scores('mix');
    for (const [name, score] of Object.entries(await scores('mix', {}, { gradients }))) {
      expect(score / plain[name]).toBeCloseTo(1, 4);
    }
  });
});
