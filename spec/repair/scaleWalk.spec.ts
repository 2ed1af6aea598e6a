/** Scalar compensation: numbers at cuts, and the same folded into the weights. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { formatBlock } from '../../src/model/blockId.ts';
import { edited } from '../../src/model/edit.ts';
import { Mask } from '../../src/model/mask.ts';
import { consume } from '../../src/model/ownership.ts';
import { modelTensorNames } from '../../src/model/tensorNames.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { walkOf } from '../../src/model/walk.ts';
import type { WeightSource } from '../../src/model/weights.ts';
import { cutsOf } from '../../src/repair/cuts.ts';
import { addStreamSums, scaleEdits, times, type CutScale } from '../../src/repair/scaleWalk.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { seeds } from '../arbitraries.ts';
import { families, tinySource } from '../model/tinyTransformer.ts';
import { wrappedSource } from '../model/wrappedSource.ts';
import { tinyChunks } from '../prune/tinySearch.ts';
import { someCase, WEIGHT_BYTES, type Case } from './tinyRepair.ts';

/** The model with another ε in its norms. */
const withEps = (source: WeightSource, eps: number): WeightSource =>
  wrappedSource(source, { config: { ...source.config, norm: { ...source.config.norm, eps } } });

/** Logits of the first chunk where the stream itself is multiplied at each cut. */
async function multiplied(
  source: WeightSource,
  { mask, chunks }: Case,
  scales: readonly CutScale[],
): Promise<Float32Array> {
  const model = await Transformer.load(source, referenceBackend(), WEIGHT_BYTES);
  const ids = [chunks.ids[0]];
  const unit = { index: 0, chunks: [0], ids, heldOut: false };
  let x = await model.embed(ids);
  for (const block of walkOf(model.config, mask)) {
    x = await consume(model.backend, x, (before) => model.block(block, before, chunks.chunk));
    const scale = scales.find((one) => one.block === formatBlock(block))?.scale ?? 1;
    x = await consume(model.backend, x, (before) => times(model, scale)(before, unit));
  }
  return model.logits(x);
}

async function folded(
  source: WeightSource,
  { mask, chunks }: Case,
  scales: readonly CutScale[],
): Promise<Float32Array> {
  const view = edited(source, scaleEdits(source.config, mask, scales));
  const model = await Transformer.load(view, referenceBackend(), WEIGHT_BYTES);
  return model.logits(await model.walk([chunks.ids[0]], mask));
}

/** A number for each cut of a case. */
const scalesOf = ({ source, mask }: Case, draw: (at: number) => number): CutScale[] => {
  const { kept } = cutsOf(source.config, mask, 'cuts');
  return kept.filter((step) => step.fitted).map(({ block }, at) => ({ block: formatBlock(block), scale: draw(at) }));
};

/** Largest difference over the largest logit. */
function distance(a: Float32Array, b: Float32Array): number {
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0) / largest;
}

const powers = fc.array(fc.constantFrom(0.25, 0.5, 1, 2, 4), { minLength: 6, maxLength: 6 });
const numbers = fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 6, maxLength: 6 });

test.prop([someCase, powers], { numRuns: 60 })(
  'powers of two fold to the last bit where norms have no ε',
  async (one, draws) => {
    const scales = scalesOf(one, (at) => draws[at]);
    const source = withEps(one.source, 0);
    expect(await folded(source, one, scales)).toEqual(await multiplied(source, one, scales));
  },
);

test.prop([someCase, numbers], { numRuns: 60 })('any numbers fold up to the rounding of f32', async (one, draws) => {
  const scales = scalesOf(one, (at) => draws[at]);
  const source = withEps(one.source, 0);
  expect(distance(await multiplied(source, one, scales), await folded(source, one, scales))).toBeLessThan(2e-5);
});

test.prop([someCase, numbers], { numRuns: 60 })(
  'with an ε, up to what it is against the mean square of the stream',
  async (one, draws) => {
    const scales = scalesOf(one, (at) => draws[at]);
    expect(distance(await multiplied(one.source, one, scales), await folded(one.source, one, scales))).toBeLessThan(
      1e-3,
    );
  },
);

describe('a tied embedding', () => {
  it.each(families)('%s: is the head too, so the final norm is divided', async (family) => {
    const source = withEps(await tinySource({ family, config: { tie_word_embeddings: true } }), 0);
    const one = { source, mask: Mask.parse('L0.mlp,L1.mha', source.config), chunks: tinyChunks(3, 1, 6) };
    const scales = [{ block: 'L0.mha', scale: 0.5 }];
    const names = scaleEdits(source.config, one.mask, scales).map(({ tensor }) => tensor);
    expect(names).toContain(modelTensorNames(source.config).finalNorm.weight);
    expect(await folded(source, one, scales)).toEqual(await multiplied(source, one, scales));
  });
});

test.prop([seeds, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })])(
  'sums are of the rows that count',
  (seed, counts) => {
    const rng = seededRng(seed);
    const target = Float32Array.from({ length: 12 }, () => rng.normal());
    const after = Float32Array.from({ length: 12 }, () => rng.normal());
    const none = { rows: 0, dense: 0, product: 0, pruned: 0 };
    const wanted = { ...none };
    for (const [row, counted] of counts.entries()) {
      if (!counted) continue;
      wanted.rows++;
      for (const i of [3 * row, 3 * row + 1, 3 * row + 2]) {
        wanted.dense += target[i] ** 2;
        wanted.product += target[i] * after[i];
        wanted.pruned += after[i] ** 2;
      }
    }
    expect(addStreamSums(none, { target, after }, counts)).toEqual(wanted);
  },
);
