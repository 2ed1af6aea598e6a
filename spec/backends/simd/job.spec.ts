import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { CONTROL_BYTES, readJob, runShare, writeJob, writeStop } from '../../../src/backends/simd/job.ts';

const someJob = fc.record({
  kernel: fc.nat(3),
  args: fc.array(fc.oneof(fc.nat(2 ** 32 - 1), fc.double({ noNaN: true })), { minLength: 1, maxLength: 12 }),
  units: fc.nat(500),
  align: fc.constantFrom(1, 4, 6, 64),
  parts: fc.integer({ min: 1, max: 9 }),
  scratchArgument: fc.constantFrom(-1, 0),
  scratchStride: fc.constantFrom(0, 64, 4096),
});

describe('a job', () => {
  test.prop([someJob])('reads back from the control block as it was written', (job) => {
    const buffer = new SharedArrayBuffer(CONTROL_BYTES);
    writeJob(buffer, job);
    expect(readJob(buffer)).toEqual(job);
  });

  it('may be the order to stop', () => {
    const buffer = new SharedArrayBuffer(CONTROL_BYTES);
    writeStop(buffer);
    expect(readJob(buffer)).toBeNull();
  });

  test.prop([someJob, fc.array(fc.nat(), { minLength: 1 })])(
    'is split into ranges that meet at multiples of `align` and cover all units once, whoever takes them',
    (job, turns) => {
      const buffer = new SharedArrayBuffer(CONTROL_BYTES);
      writeJob(buffer, job);
      const ranges: [number, number][] = [];
      // A kernel that another thread interrupts: threads take their ranges in any order.
      const run = (part: number): void => {
        const kernels = Array.from({ length: 4 }, (_, id) => (...args: number[]) => {
          expect(id).toBe(job.kernel);
          expect(args.slice(1, -2)).toEqual(job.args.slice(1));
          expect(args[0]).toBe(job.scratchArgument === 0 ? job.args[0] + part * job.scratchStride : job.args[0]);
          ranges.push([args[args.length - 2], args[args.length - 1]]);
          const other = turns[ranges.length % turns.length] % (2 * job.parts);
          if (other < job.parts && ranges.length < 40) run(other);
        });
        runShare(buffer, job, kernels, part);
      };
      run(0);
      let next = 0;
      for (const [from, to] of ranges) {
        expect(from).toBe(next);
        expect(from % job.align).toBe(0);
        expect(to).toBeGreaterThan(from);
        next = to;
      }
      expect(next).toBe(job.units);
      if (job.parts > 1 && job.units > 2 * job.align) expect(ranges.length).toBeGreaterThan(1);
    },
  );

  test.prop([someJob])('gives threads beyond its parts nothing', (job) => {
    const buffer = new SharedArrayBuffer(CONTROL_BYTES);
    writeJob(buffer, job);
    runShare(buffer, job, [], job.parts);
  });
});
