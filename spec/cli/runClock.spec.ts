/** The time that is left of a run: by its plan, and by what its steps have taken. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { RunClock } from '../../src/cli/runClock.ts';
import { planOf } from './planOf.ts';

const someSteps = fc.array(fc.double({ min: 1, max: 100, noNaN: true }), { minLength: 1, maxLength: 6 });

describe('the time left', () => {
  test.prop([
    someSteps,
    fc.double({ min: 0.2, max: 5, noNaN: true }),
    fc.double({ min: 0.01, max: 0.99, noNaN: true }),
  ])('of a run that keeps one pace is what it still takes', (steps, pace, fraction) => {
    const clock = new RunClock(planOf(steps));
    for (const [at, planned] of steps.entries()) {
      const after = steps.slice(at + 1).reduce((sum, seconds) => sum + seconds, 0);
      const seconds = pace * planned * fraction;
      const { step, run } = clock.left({ step: at + 1, fraction, computed: fraction, seconds });
      expect(step).toBeCloseTo(pace * planned * (1 - fraction), 6);
      const truth = pace * (planned * (1 - fraction) + after);
      // The plan, off by that pace, has some weight in the beginning.
      const [low, high] = [Math.min(1, 1 / pace), Math.max(1, 1 / pace)];
      expect(run).toBeGreaterThanOrEqual(truth * low - 1e-6);
      expect(run).toBeLessThanOrEqual(truth * high + 1e-6);
      clock.left({ step: at + 1, fraction: 1, computed: 1, seconds: pace * planned });
    }
  });

  it('is the plan’s before anything is measured, the sample included', () => {
    const clock = new RunClock(planOf([40, 30, 20], 5));
    expect(clock.left({ step: 1, fraction: 0, computed: 0, seconds: 0 })).toEqual({ step: 40, run: 95 });
  });

  it('is not only the first step’s', () => {
    const clock = new RunClock(planOf([100, 90, 80, 70]));
    const { step, run } = clock.left({ step: 1, fraction: 0.5, computed: 0.5, seconds: 50 });
    expect(step).toBeCloseTo(50, 9);
    expect(run).toBeCloseTo(290, 9);
  });

  it('of a step that was partly in the journal goes by what was computed', () => {
    const clock = new RunClock(planOf([100, 100]));
    const { step } = clock.left({ step: 2, fraction: 0.75, computed: 0.25, seconds: 50 });
    expect(step).toBeCloseTo(50, 9);
  });

  it('without a plan is a step’s alone, and nobody’s before it has begun', () => {
    const clock = new RunClock(null);
    expect(clock.left({ step: 1, fraction: 0.5, computed: 0, seconds: 0 })).toEqual({ step: null, run: null });
    expect(clock.left({ step: 1, fraction: 0.5, computed: 0.5, seconds: 3 })).toEqual({ step: 3, run: null });
  });

  it('goes on beyond the steps that were likely', () => {
    const clock = new RunClock(planOf([10, 8]));
    const { run } = clock.left({ step: 5, fraction: 0.5, computed: 0.5, seconds: 4 });
    expect(run).toBeCloseTo(4, 9);
  });
});
