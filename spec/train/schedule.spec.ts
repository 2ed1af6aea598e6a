import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { fall, learningRate, type Schedule } from '../../src/train/schedule.ts';

const schedules: fc.Arbitrary<Schedule> = fc
  .record({
    steps: fc.integer({ min: 1, max: 300 }),
    warmupSteps: fc.nat(40),
    decay: fc.constantFrom('cosine' as const, 'linear' as const, 'constant' as const),
  })
  .map((drawn) => ({ ...drawn, warmupSteps: Math.min(drawn.warmupSteps, drawn.steps), lr: 0.01, minLr: 0.001 }));

describe('learningRate', () => {
  test.prop([schedules])('rises to lr, then never rises again, and stays above 0 and within minLr … lr', (schedule) => {
    const rates = Array.from({ length: schedule.steps }, (_, step) => learningRate(schedule, step));
    for (let step = 1; step < rates.length; step++) {
      if (step < schedule.warmupSteps) expect(rates[step]).toBeGreaterThan(rates[step - 1]);
      else expect(rates[step]).toBeLessThanOrEqual(0.01 + 1e-15);
      if (step > schedule.warmupSteps) expect(rates[step]).toBeLessThanOrEqual(rates[step - 1]);
      if (step >= schedule.warmupSteps) expect(rates[step]).toBeGreaterThanOrEqual(0.001 - 1e-15);
    }
    expect(rates[0]).toBeGreaterThan(0);
    if (schedule.warmupSteps > 0) expect(rates[schedule.warmupSteps - 1]).toBeCloseTo(0.01, 15);
  });

  it('is halfway down in the middle of a fall', () => {
    const schedule = { steps: 110, warmupSteps: 10, lr: 1, minLr: 0 };
    expect(learningRate({ ...schedule, decay: 'cosine' }, 60)).toBeCloseTo(0.5, 14);
    expect(learningRate({ ...schedule, decay: 'linear' }, 60)).toBeCloseTo(0.5, 14);
    expect(learningRate({ ...schedule, decay: 'constant' }, 60)).toBe(1);
  });
});

describe('fall', () => {
  test.prop([fc.double({ min: 0, max: 1, noNaN: true })])('is half a cosine', (u) => {
    expect(fall(u)).toBeCloseTo((1 + Math.cos(Math.PI * u)) / 2, 14);
  });
});
