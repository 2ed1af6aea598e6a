import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { perplexity } from '../../src/eval/perplexity.ts';
import { Mask } from '../../src/model/mask.ts';
import type { PruneKind } from '../../src/prune/candidates.ts';
import { magnitude } from '../../src/prune/methods/magnitude.ts';
import { families, tinySource, type TinyOptions } from '../model/tinyTransformer.ts';
import { tinyChunks } from '../prune/tinySearch.ts';
import { methodRun, resultOf, scoresOf } from './tinyMethod.ts';

const scores = async (kind: PruneKind, tiny: TinyOptions = {}): Promise<Record<string, number>> =>
  scoresOf(await resultOf(magnitude, { kind }, tiny));

/** Which block a tensor is of, told by its name alone. */
function blockOf(name: string): string | null {
  const [, layer, part] = /\.(?:layers|h)\.(\d+)\.(\w+)/.exec(name) ?? [];
  if (layer === undefined) return null;
  return /^(?:self_attn|input_layernorm|attn|ln_1)$/.test(part) ? `L${layer}.mha` : `L${layer}.mlp`;
}

test.prop([fc.constantFrom(...families), fc.nat(99)], { numRuns: 10 })(
  'is Σ|W| over all tensors of the block, whatever the family calls them',
  async (family, seed) => {
    const tiny = { family, seed, layers: 2 };
    const source = await tinySource(tiny);
    const sums: Record<string, number> = { 'L0.mha': 0, 'L1.mha': 0, 'L0.mlp': 0, 'L1.mlp': 0 };
    for (const name of source.tensors.keys()) {
      const block = blockOf(name);
      if (block !== null) sums[block] += (await source.tensor(name)).reduce((sum, value) => sum + Math.abs(value), 0);
    }
    const found = await scores('mix', tiny);
    for (const [name, sum] of Object.entries(sums)) expect(found[name] / sum).toBeCloseTo(1, 12);
  },
);

it("of a layer is its two blocks' sum", async () => {
  const blocks = await scores('mix');
  for (const [name, score] of Object.entries(await scores('layer'))) {
    const parts = name.split(',').map((block) => blocks[block]);
    expect(score / (parts[0] + parts[1])).toBeCloseTo(1, 12);
  }
});

it('looks at weights alone: neither signs nor the text count', async () => {
  const plain = await scores('mix');
  const flipped = await scores('mix', {
    edit: (tensors) => {
      for (const { data } of tensors.values()) data.forEach((value, i) => (data[i] = -value));
    },
  });
  expect(flipped).toEqual(plain);
  expect(scoresOf(await resultOf(magnitude, { chunks: tinyChunks(99, 1, 5) }))).toEqual(plain);
});

it('changes under a rescaling that the model does not notice: it is no function of the model alone', async () => {
  const rescale: TinyOptions['edit'] = (tensors) => {
    for (const [name, { data }] of tensors) {
      const factor = /layers\.1\.self_attn\.v_proj/.test(name)
        ? 4
        : /layers\.1\.self_attn\.o_proj/.test(name)
          ? 0.25
          : 1;
      data.forEach((value, i) => (data[i] = factor * value));
    }
  };
  const same = await methodRun(magnitude);
  const other = await methodRun(magnitude, {}, { edit: rescale });
  const ppl = async ({ options }: typeof same): Promise<number> => {
    return (await perplexity(options.model, options.chunks, Mask.empty)).ppl;
  };
  expect(await ppl(other)).toBe(await ppl(same));
  const before = await scores('mix');
  const after = await scores('mix', { edit: rescale });
  expect(after['L1.mha']).toBeGreaterThan(1.1 * before['L1.mha']);
  expect({ ...after, 'L1.mha': 0 }).toEqual({ ...before, 'L1.mha': 0 });
});

it('removes the smallest first', async () => {
  const edit: TinyOptions['edit'] = (tensors) => {
    for (const [name, { data }] of tensors) if (blockOf(name) === 'L1.mlp') data.forEach((v, i) => (data[i] = v / 100));
  };
  expect((await resultOf(magnitude, {}, { edit })).removed[0]).toBe('L1.mlp');
});
