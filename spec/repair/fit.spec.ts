import { test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { defaultFactors, fitOutput, type FitSettings } from '../../src/repair/fit.ts';
import { drawArray, seeds } from '../arbitraries.ts';
import { seededRng } from '../../src/tensor/rng.ts';
import { shapes, sumsOf, type Rows } from './fits.ts';
import type { FitShape } from '../../src/repair/normalEquations.ts';
import { fitScale } from '../../src/repair/scale.ts';

const refit: FitSettings = { form: 'refit', factors: defaultFactors };

function drawn(shape: FitShape, count: number, seed: number): Rows {
  const rng = seededRng(seed);
  const draw = (length: number): Float64Array => Float64Array.from(drawArray(rng, length));
  return { shape, count, a: draw(count * shape.inputs), r: draw(count * shape.outputs) };
}

function weights({ inputs, outputs, bias }: FitShape): [Float32Array, Float32Array | null] {
  const rng = seededRng(1);
  return [drawArray(rng, inputs * outputs), bias ? drawArray(rng, outputs) : null];
}

describe('fitOutput', () => {
  test.prop([shapes, seeds])('never makes the held-out error larger', async (shape, seed) => {
    const [fit, held] = [drawn(shape, 30, seed), drawn(shape, 20, seed + 1)];
    const { figures, weight } = await fitOutput(sumsOf(fit), sumsOf(held), ...weights(shape), refit);
    expect(figures.heldOut?.after).toBeLessThanOrEqual(figures.heldOut?.before ?? 0);
    expect(weight === null).toBe(figures.kept !== null);
  });

  test.prop([shapes, seeds])('leaves a block alone that misses nothing', async (shape, seed) => {
    const rows = { ...drawn(shape, 30, seed), r: new Float64Array(30 * shape.outputs) };
    const fitted = await fitOutput(sumsOf(rows), sumsOf(rows), ...weights(shape), refit);
    expect(fitted.figures.kept).toBe('there is nothing to correct');
    expect(fitted.figures.error).toEqual({ before: 0, after: 0 });
  });
});

describe('fitScale', () => {
  it('is the ratio of the products', () => {
    const { scale, figures } = fitScale({ rows: 2, dense: 16, product: 8, pruned: 4 }, null);
    expect(scale).toBe(2);
    expect(figures.error).toEqual({ before: 2, after: 0 });
  });
});
