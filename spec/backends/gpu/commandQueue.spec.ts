import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { CommandQueue } from '../../../src/backends/gpu/commandQueue.ts';

const kinds = fc.array(fc.constantFrom('now' as const, 'later' as const), { maxLength: 30 });

test.prop([kinds])('runs commands in their order, each after those before it have ended', async (commands) => {
  const queue = new CommandQueue();
  const events: string[] = [];
  for (const [index, kind] of commands.entries()) {
    queue.push(() => {
      events.push(`${index} begins`);
      const end = (): void => void events.push(`${index} ends`);
      // The longer ones come first, so that one that overtook would show.
      if (kind === 'later') return new Promise((resolve) => setImmediate(resolve)).then(end);
      end();
      return undefined;
    });
  }
  await queue.settled();
  expect(events).toEqual(commands.flatMap((_, index) => [`${index} begins`, `${index} ends`]));
});

it('runs what does not wait before push returns', () => {
  const queue = new CommandQueue();
  let ran = false;
  queue.push(() => (ran = true));
  expect(ran).toBe(true);
});

test.prop([kinds, kinds, fc.boolean()])('drops everything after the first failure', async (before, after, throws) => {
  const queue = new CommandQueue();
  let ran = 0;
  const count = (kind: 'now' | 'later') => (): unknown => {
    ran++;
    return kind === 'later' ? Promise.resolve() : null;
  };
  for (const kind of before) queue.push(count(kind));
  const reason = new Error('first');
  queue.push(() => {
    if (throws) throw reason;
    return Promise.reject(reason);
  });
  queue.push(() => {
    throw new Error('second');
  });
  for (const kind of after) queue.push(count(kind));
  await expect(queue.settled()).rejects.toBe(reason);
  expect([queue.failure, ran]).toEqual([reason, before.length]);
});

it('can be ended from outside while a command is under way', async () => {
  const queue = new CommandQueue();
  let ran = false;
  queue.push(() => Promise.resolve());
  queue.push(() => (ran = true));
  const reason = new Error('the device is gone');
  queue.fail(reason);
  await expect(queue.settled()).rejects.toBe(reason);
  expect(ran).toBe(false);
});

it('ended from outside, it waits no longer: neither for a command nor for what was asked of it', async () => {
  const queue = new CommandQueue();
  const never = new Promise<void>(() => {});
  queue.push(() => never);
  const waits = [queue.settled(), queue.unlessFailed(never)];
  const outcomes = Promise.all(waits.map((wait) => wait.catch((error: unknown) => error)));
  const reason = new Error('disposed');
  queue.fail(reason);
  const later = new Promise((resolve) => setImmediate(() => resolve('still waiting')));
  expect(await Promise.race([outcomes, later])).toEqual([reason, reason]);
});
