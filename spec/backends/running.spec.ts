import { expect, it } from 'vitest';
import { Running } from '../../src/backends/running.ts';
import { DisposedError } from '../../src/errors.ts';

it('ends once, for all who ask, and refuses use from the call on', async () => {
  const running = new Running('simd');
  running.expect();
  let released = 0;
  let finish = (): void => {};
  const release = (): Promise<void> => {
    released++;
    return new Promise((resolve) => (finish = resolve));
  };
  const first = running.end(release);
  expect(() => running.expect()).toThrow(DisposedError);
  const second = running.end(release);
  finish();
  await Promise.all([first, second]);
  expect(released).toBe(1);
});

it('keeps its first reason, and can be ended after it failed', async () => {
  const running = new Running('gpu');
  const reason = new Error('lost');
  running.fail(reason);
  running.fail(new Error('later'));
  await running.end(() => Promise.resolve());
  expect(running.failure).toBe(reason);
  expect(() => running.expect()).toThrow(reason);
});
