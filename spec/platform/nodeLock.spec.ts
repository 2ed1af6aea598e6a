import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { AccessError, NotFoundError } from '../../src/errors.ts';
import { isStale, lockText, lockToken } from '../../src/platform/lockOwner.ts';
import { lockFile as takeLock } from '../../src/platform/nodeLock.ts';
import { withFolder } from '../hub/withHub.ts';
import { leaveLock, lockRounds, staleLocks } from './lockRounds.ts';

/** Where nothing is to be warned of. */
const lockFile = (path: string): Promise<() => Promise<void>> => {
  return takeLock(path, (text) => {
    throw new Error(text);
  });
};

const linux = process.platform === 'linux';
const old = (text: string): boolean => isStale({ text, modified: 0 });
const young = (text: string): boolean => isStale({ text, modified: Date.now() });

/** `count` who want the same lock at once: how many have it. */
async function rush(path: string, count: number): Promise<(() => Promise<void>)[]> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, () => lockFile(path)));
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AccessError);
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
}

describe('a lock', () => {
  it('is whole from the start, keeps others out, is gone when released, and can be taken again', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'journal.lock');
      for (let turn = 0; turn < 2; turn++) {
        const unlock = await lockFile(path);
        expect(await readFile(path, 'utf8')).toMatch(/^\d+ \S+ [0-9a-f]{12} \S+\n$/);
        expect(await readdir(folder)).toEqual(['journal.lock']);
        await expect(lockFile(path)).rejects.toThrow(
          `journal.lock: is in use by process ${process.pid} on ${hostname()}. Wait for it`,
        );
        await unlock();
        expect(await readdir(folder)).toEqual([]);
      }
    });
  });

  test.prop([fc.constantFrom(...Object.values(staleLocks)), fc.boolean(), fc.integer({ min: 2, max: 12 })], {
    numRuns: 60,
  })('left behind is taken over by one of many, whoever was killed while taking it over', async (text, claimed, n) => {
    fc.pre(old(text));
    await withFolder(async (folder) => {
      const path = join(folder, 'journal.lock');
      await leaveLock(path, text);
      if (claimed) await leaveLock(`${path}.${lockToken({ text, modified: 0 })}`, text);
      const winners = await rush(path, n);
      expect(winners).toHaveLength(1);
      expect(await readFile(path, 'utf8')).toContain(`${process.pid} ${hostname()} `);
      await winners[0]();
      expect(await readdir(folder)).toEqual([]);
    });
  });

  it('that is free goes to one of many', async () => {
    await withFolder(async (folder) => {
      expect(await rush(join(folder, 'lock'), 12)).toHaveLength(1);
    });
  });

  it('taken over by processes at the same moment has one winner, round after round', async () => {
    for (const round of await lockRounds(24, 4)) expect(round).toEqual({ winners: 1, beside: [], after: [] });
  }, 60_000);

  it('that is not ours any more is left alone', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'lock');
      const unlock = await lockFile(path);
      await rm(path);
      const other = await lockFile(path);
      await unlock();
      expect(await readdir(folder)).toEqual(['lock']);
      await other();
    });
  });

  it('in a folder that is not there, or in place of a folder, is a typed error', async () => {
    await withFolder(async (folder) => {
      await expect(lockFile(join(folder, 'none', 'lock'))).rejects.toThrow(NotFoundError);
      await mkdir(join(folder, 'lock'));
      await expect(lockFile(join(folder, 'lock'))).rejects.toThrow(AccessError);
    });
  });
});

describe('whose lock is stale', () => {
  const life = lockText().split(' ')[3].trim();
  const parent = process.ppid;
  const host = hostname();

  it.each([
    ['of this process', lockText(), false],
    ['of a living process, by version 0.1', `${parent} ${host}`, false],
    ['of this number, by version 0.1', `${process.pid} ${host}`, true],
    ['of a process that is gone', `${2 ** 30} ${host} 0123456789ab -\n`, true],
    ['of process 0', `0 ${host} 0123456789ab -\n`, true],
    ['of another machine', `${2 ** 30} another-${host} 0123456789ab -\n`, false],
    ['of another machine, by version 0.1', `${2 ** 30} another-${host}`, false],
  ])('%s', (_, text, stale) => {
    expect([old(text), young(text)]).toEqual([stale, stale]);
  });

  it.skipIf(!linux)('of a number that another process has now', () => {
    const [space, start] = life.split('/');
    expect(old(`${process.pid} ${host} 0123456789ab ${space}/${Number(start) - 1}\n`)).toBe(true);
    expect(old(`${parent} ${host} 0123456789ab ${space}/1\n`)).toBe(true);
  });

  it.skipIf(!linux)('not one of another container: its processes cannot be seen from here', () => {
    expect(old(`${2 ** 30} ${host} 0123456789ab 7/1\n`)).toBe(false);
  });

  it.each(['', ' ', '12', `12 ${host} 0123`, `12 ${host} 0123456789ab 1/2`, 'no lock at all\n', '\0\0\0\0'])(
    'torn (%j): only when nobody can still be writing it',
    (text) => {
      expect([young(text), old(text)]).toEqual([false, true]);
    },
  );

  it('torn and young, it is refused in words', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'lock');
      await writeFile(path, '12');
      await expect(lockFile(path)).rejects.toThrow('lock: is in use by a process that it does not name.');
      await utimes(path, 0, 0);
      await (
        await lockFile(path)
      )();
    });
  });
});

it('that cannot be freed is a warning, which hides no error of the work', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'lock');
    const warnings: string[] = [];
    const unlock = await takeLock(path, (text) => warnings.push(text));
    await rm(path);
    await mkdir(path);
    await unlock();
    expect(warnings).toEqual([`the lock could not be removed: ${path}: is a folder.`]);
  });
});
