import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseHfConfig } from '../../../src/formats/huggingface/config.ts';
import type { ModelConfig } from '../../../src/model/config.ts';
import { walkOf } from '../../../src/model/walk.ts';
import { blockFlops, headFlops } from '../../../src/prune/cost/flops.ts';
import { countParameters } from '../../../src/model/parameters.ts';
import { someUneven, unevenSource } from '../../model/unevenModel.ts';
import { tinyConfig } from '../../model/tinyTransformer.ts';

/** Numbers in a block's matrices: each takes part in one multiplication a token. */
function matrixNumbers({ config, tensors }: ReturnType<typeof unevenSource>, name: string): number {
  const [layer, kind] = name.slice(1).split('.');
  const inLayer = config.family === 'gpt2' ? `h.${layer}.` : `layers.${layer}.`;
  const ofKind = kind === 'mha' ? /attn/ : /mlp/;
  return [...tensors]
    .filter(([tensor, { shape }]) => shape.length === 2 && tensor.includes(inLayer) && ofKind.test(tensor))
    .reduce((sum, [, { shape }]) => sum + shape[0] * shape[1], 0);
}

describe('floating-point operations', () => {
  test.prop([someUneven(3), fc.integer({ min: 1, max: 40 })], { numRuns: 40 })(
    'of a block are two for each number of its matrices and each token, and attention’s',
    (shape, seqLen) => {
      const source = unevenSource(shape);
      const { config } = source;
      for (const id of walkOf(config)) {
        const projections = 2 * seqLen * matrixNumbers(source, `L${id.layer}.${id.kind}`);
        let pairs = 0;
        const window = config.layers[id.layer].mha?.window ?? null;
        for (let query = 0; query < seqLen; query++) {
          for (let key = 0; key <= query; key++) if (window === null || query - key < window) pairs++;
        }
        const heads = config.layers[id.layer].mha?.heads ?? 0;
        const attention = id.kind === 'mha' ? 4 * pairs * heads * config.headDim : 0;
        expect(blockFlops(config, id, seqLen)).toBe(projections + attention);
      }
    },
  );

  it('of the whole model are about two a parameter and token', () => {
    const { config } = parseHfConfig(tinyConfig('llama', 3), 'config.json');
    const source = unevenSource({ family: 'llama', seed: 1, layers: [{ mha: true, width: 24 }] });
    const head = headFlops(source.config, 7);
    expect(head).toBe(2 * 7 * source.config.vocabSize * source.config.hiddenSize);
    const blocks = walkOf(source.config).reduce((sum, id) => sum + blockFlops(source.config, id, 1), 0);
    expect(blocks / (2 * countParameters(source).blocks)).toBeGreaterThan(0.8);
    expect(uniform(config)).toBe(1);
  });
});

/** How many different costs the MLPs of a uniform model have. */
function uniform(config: ModelConfig): number {
  const costs = walkOf(config).flatMap((id) => (id.kind === 'mlp' ? [blockFlops(config, id, 9)] : []));
  return new Set(costs).size;
}
