import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/errors.ts';
import { defaultFactors, fitOutput, type FitSettings, type Fitted } from '../../src/repair/fit.ts';
import { errorRounding, type Change } from '../../src/repair/fitError.ts';
import { NormalEquations } from '../../src/repair/normalEquations.ts';
import { seeds } from '../arbitraries.ts';
import { added, drawn, largest, problems, shapes, squaresLeft, sumsOf, type Drawn } from './fits.ts';

const forms = fc.constantFrom('refit' as const, 'replaceme' as const);
const refit: FitSettings = { form: 'refit', factors: defaultFactors };

/** What a fit changes, in f64. */
function changeOf({ weight, bias }: Drawn, fitted: Fitted): Change {
  return { weight: added(fitted.weight, weight), bias: bias && added(fitted.bias, bias) };
}

const unchanged = ({ weight, bias }: Drawn): Change => ({
  weight: new Float64Array(weight.length),
  bias: bias && new Float64Array(bias.length),
});

describe('fitOutput', () => {
  test.prop([problems, forms])(
    'never makes the held-out error larger, of the rows themselves',
    async (problem, form) => {
      const { fit, heldOut, weight, bias } = problem;
      const fitted = await fitOutput(sumsOf(fit, 5), sumsOf(heldOut, 5), weight, bias, { ...refit, form });
      const change = changeOf(problem, fitted);
      // Row by row, in f64: a little is left to the rounding of this sum.
      const before = squaresLeft(heldOut, unchanged(problem));
      expect(squaresLeft(heldOut, change)).toBeLessThanOrEqual(before * (1 + 1e-12) + 1e-40);
      expect([...change.weight].every(Number.isFinite)).toBe(true);
      // Nothing explodes: the change is no larger than a few times what X and rounding ask for.
      expect(largest(change.weight)).toBeLessThan(1e3);
    },
  );

  test.prop([problems, forms])('states the errors of what it returns', async (problem, form) => {
    const { fit, heldOut, weight, bias } = problem;
    const [sums, judges] = [sumsOf(fit), sumsOf(heldOut)];
    const fitted = await fitOutput(sums, judges, weight, bias, { ...refit, form });
    const change = changeOf(problem, fitted);
    for (const [rows, part, pair] of [
      [fit, sums, fitted.figures.error],
      [heldOut, judges, fitted.figures.heldOut],
    ] as const) {
      const limit = (1.001 * errorRounding(part, change)) / rows.count + 1e-40;
      expect(Math.abs((pair?.after ?? NaN) - squaresLeft(rows, change) / rows.count)).toBeLessThanOrEqual(limit);
      expect(Math.abs((pair?.before ?? NaN) - squaresLeft(rows, unchanged(problem)) / rows.count)).toBeLessThanOrEqual(
        limit,
      );
    }
    expect(fitted.figures.rows).toBe(fit.count);
    expect(fitted.figures.heldOutRows).toBe(heldOut.count);
  });

  test.prop([problems, forms])('changes a block, or says why not', async ({ fit, heldOut, weight, bias }, form) => {
    const fitted = await fitOutput(sumsOf(fit), sumsOf(heldOut), weight, bias, { ...refit, form });
    const { kept, factor, condition, error, heldOut: judged } = fitted.figures;
    expect(fitted.weight === null).toBe(kept !== null);
    expect(fitted.bias === null).toBe(kept !== null || bias === null);
    expect(factor === null).toBe(kept !== null);
    if (kept === null) {
      expect(defaultFactors).toContain(factor);
      expect(condition).toBeGreaterThanOrEqual(0.99);
      expect(judged?.after).toBeLessThan(judged?.before ?? 0);
    } else {
      expect(error?.after).toBe(error?.before);
      expect(judged?.after).toBe(judged?.before);
    }
    // Whatever happened is JSON.
    expect(JSON.parse(JSON.stringify(fitted.figures))).toEqual(fitted.figures);
  });

  test.prop([problems])('gives the same bits again, and changes no input', async ({ fit, heldOut, weight, bias }) => {
    const [sums, judges, before] = [sumsOf(fit), sumsOf(heldOut), weight.slice()];
    const first = await fitOutput(sums, judges, weight, bias, refit);
    expect(await fitOutput(sums, judges, weight, bias, refit)).toEqual(first);
    expect(weight).toEqual(before);
    expect(sums.gram).toEqual(sumsOf(fit).gram);
  });

  test.prop([shapes, seeds])('recovers what lies in the span of its inputs', async (shape, seed) => {
    const problem = drawn(shape, seed, 'plain', 0);
    const fitted = await fitOutput(sumsOf(problem.fit), sumsOf(problem.heldOut), problem.weight, problem.bias, {
      form: 'refit',
      factors: [1e-4],
    });
    const { heldOut } = fitted.figures;
    expect(heldOut?.after).toBeLessThan(1e-4 * (heldOut?.before ?? 0));
  });

  test.prop([shapes, seeds])('without held-out rows takes the middle factor', async (shape, seed) => {
    const { fit, weight, bias } = drawn(shape, seed, 'plain', 0.2);
    const { figures } = await fitOutput(sumsOf(fit), null, weight, bias, refit);
    expect(figures).toMatchObject({ factor: 1, kept: null, heldOutRows: 0, heldOut: null });
    expect(figures.error?.after).toBeLessThan(figures.error?.before ?? 0);
  });

  test.prop([shapes, seeds, forms])(
    'with a ridge towards infinity rounds back to the old weights',
    async (shape, seed, form) => {
      const { fit, weight } = drawn({ ...shape, bias: false }, seed, 'plain', 0.2);
      const { figures } = await fitOutput(sumsOf(fit), null, weight, null, { form, factors: [1e15] });
      // Weights near 0 may still move by a bit; none moves by more than it is rounded by.
      expect(figures.error?.after).toBeGreaterThan((figures.error?.before ?? 0) * (1 - 1e-6));
    },
  );
});

describe('a block keeps its weights', () => {
  const shape = { inputs: 4, outputs: 3, bias: false };
  const { fit, heldOut, weight } = drawn(shape, 1, 'plain', 0.1);
  const keptFor = async (sums: NormalEquations, judges: NormalEquations | null): Promise<unknown> => {
    const { figures, weight: values } = await fitOutput(sums, judges, weight, null, refit);
    expect(values).toBeNull();
    return figures.kept;
  };

  test.prop([shapes, seeds])('that misses nothing', async (size, seed) => {
    const { fit: rows, weight: some, bias } = drawn(size, seed, 'plain', 0.5);
    const sums = sumsOf({ ...rows, r: rows.r.map(() => 0) });
    const fitted = await fitOutput(sums, sums, some, bias, refit);
    expect(fitted.figures).toMatchObject({ kept: 'there is nothing to correct', error: { before: 0, after: 0 } });
  });

  it('whose held-out rows miss nothing', async () => {
    expect(await keptFor(sumsOf(fit), sumsOf({ ...heldOut, r: heldOut.r.map(() => 0) }))).toBe(
      'its error on the held-out rows does not shrink',
    );
  });

  it('whose held-out rows miss the opposite', async () => {
    const opposite = sumsOf({ ...heldOut, r: heldOut.r.map((value) => -value) });
    expect(await keptFor(sumsOf(fit), opposite)).toBe('its error on the held-out rows does not shrink');
    const { figures } = await fitOutput(sumsOf(fit), opposite, weight, null, refit);
    expect(figures.condition).toBeGreaterThan(1);
  });

  it('whose gain is less than the rounding of the sums', async () => {
    const sums = new NormalEquations({ inputs: 1, outputs: 1, bias: false });
    // ⟨A, R⟩ = 10⁻⁴ ‖A‖ ‖R‖: with Δ half of that, the error shrinks by a share of 10⁻⁸.
    sums.add(Float64Array.of(1, 1e-4, 1e-4, 1), 10);
    const { figures } = await fitOutput(sums, null, new Float32Array(1), null, refit);
    expect(figures.kept).toBe('its error on the rows of the fit does not shrink');
  });

  it('whose inputs are all 0', async () => {
    const dead = sumsOf({ ...fit, a: fit.a.map(() => 0) });
    expect(await keptFor(dead, sumsOf(heldOut))).toBe('its inputs are all 0');
  });

  it('whose normal equations no ridge of the grid makes solvable', async () => {
    const twice = { ...fit, a: fit.a.map((_, i) => fit.a[i - (i % 4)]) };
    const { figures } = await fitOutput(sumsOf(twice), null, weight, null, { form: 'refit', factors: [1e-30] });
    expect(figures).toMatchObject({ kept: 'its normal equations are not positive definite', condition: null });
  });

  it.each([
    ['the fit', 0, NaN],
    ['the fit', 0, 1e30],
    ['the held-out rows', 1, NaN],
    ['the held-out rows', 1, 1e30],
  ])('whose activations are not finite on %s', async (_, which, value) => {
    const parts = [fit, heldOut].map((rows, i) => {
      const sums = new NormalEquations(shape);
      const a = i === which ? rows.a.with(2, value) : rows.a;
      // f32 ends at 3.4 · 10³⁸: the square of 10³⁰ is beyond.
      const good = sumsOf({ ...rows, a }, rows.count);
      sums.gram.set(good.gram);
      sums.cross.set(good.cross);
      sums.squares.set(good.squares);
      sums.rows = rows.count;
      return sums;
    });
    const { figures } = await fitOutput(parts[0], parts[1], weight, null, refit);
    expect(figures.kept).toBe('its activations are not finite');
    expect([figures.error, figures.heldOut][which]).toBeNull();
    expect([figures.error, figures.heldOut][1 - which]).not.toBeNull();
  });

  it('that are not finite themselves', async () => {
    const broken = weight.with(1, NaN);
    const { figures } = await fitOutput(sumsOf(fit), sumsOf(heldOut), broken, null, refit);
    expect(figures.kept).toBe('its error on the held-out rows does not shrink');
  });
});

describe('a fit refuses', () => {
  const { fit, weight } = drawn({ inputs: 4, outputs: 3, bias: false }, 1, 'plain', 0.1);
  const sums = sumsOf(fit);
  const withBias = sumsOf(drawn({ inputs: 4, outputs: 3, bias: true }, 1, 'plain', 0.1).fit);
  const narrow = sumsOf(drawn({ inputs: 3, outputs: 3, bias: false }, 1, 'plain', 0.1).fit);
  const empty = new NormalEquations(fit.shape);
  const bias = new Float32Array(3);

  it.each([
    ['a weight of another length', sums, null, weight.slice(1), null, 'a weight [3, 4] has 12 numbers, not 11.'],
    ['a bias that the sums know nothing of', sums, null, weight, bias, 'the sums are for a fit without a bias.'],
    ['no bias where the sums are for one', withBias, null, weight, null, 'the sums are for a fit with a bias.'],
    ['a bias of another length', withBias, null, weight, bias.slice(1), 'a bias [3] has 3 numbers, not 2.'],
    [
      'held-out sums of another shape',
      sums,
      narrow,
      weight,
      null,
      'the sums of the fit and of the held-out rows are of different shapes.',
    ],
    ['sums of no rows', empty, null, weight, null, 'the sums hold no rows. Add at least one Gram matrix.'],
    ['held-out sums of no rows', sums, empty, weight, null, 'the sums hold no rows. Add at least one Gram matrix.'],
  ])('%s', async (_, some, judges, values, shift, message) => {
    await expect(fitOutput(some, judges, values, shift, refit)).rejects.toThrow(message);
    await expect(fitOutput(some, judges, values, shift, refit)).rejects.toThrow(ShapeError);
  });

  it.each([[[]], [[0]], [[-1, 1]], [[1, 1]], [[3, 1]], [[NaN]], [[1, Infinity]]])(
    'the ridge factors %j',
    async (factors) => {
      await expect(fitOutput(sums, null, weight, null, { form: 'refit', factors })).rejects.toThrow(
        `the ridge factors [${factors.join(', ')}] are not positive numbers in ascending order.`,
      );
    },
  );

  it('a scale, which is not a fit of a matrix', async () => {
    await expect(fitOutput(sums, null, weight, null, { ...refit, form: 'scale' })).rejects.toThrow(ShapeError);
  });
});
