/** Faults of locks, of journals' and checkpoints' checksums, and of whose run a model is given. */
import type { Mutant } from './mutant.ts';

const lock = { file: 'src/platform/nodeLock.ts', specs: ['spec/platform/nodeLock.spec.ts'] };
const owner = { file: 'src/platform/lockOwner.ts', specs: ['spec/platform/nodeLock.spec.ts'] };

export const journalMutants: readonly Mutant[] = [
  {
    ...lock,
    name: 'lock: a stale one is replaced without a claim',
    from: 'await acquire(claim, text, tries);',
    to: '',
  },
  {
    ...lock,
    name: 'lock: who has the claim does not look again',
    from: 'if (now === null || now.text !== stale.text || !isStale(now)) return false;',
    to: 'if (now === null) return false;',
  },
  {
    ...lock,
    name: 'lock: made first, written afterwards',
    from: 'await writeSynced(unfinished, text);\n    await link',
    to: "await writeSynced(path, '');\n    await rm(path);\n    await writeSynced(unfinished, text);\n    await link",
  },
  {
    ...lock,
    name: "lock: another's is removed on release",
    from: 'if (found?.text !== text) return;',
    to: '',
  },
  {
    ...lock,
    name: 'lock: one that cannot be removed hides the error of the work',
    from: '.catch((error: Error) => warn(`the lock could not be removed: ${error.message}`))',
    to: '',
  },
  {
    ...owner,
    name: 'lock: a number that another process has now counts as alive',
    from: 'return life !== now;',
    to: 'return false;',
  },
  {
    ...owner,
    name: "lock: another machine's process is looked for on this one",
    from: 'if (host !== thisHost()) return false;',
    to: '',
  },
  {
    ...owner,
    name: "lock: another container's process is looked for in this one",
    from: 'spaceOf(life) !== spaceOf(own)',
    to: 'own.length < 0',
  },
  {
    ...owner,
    name: 'lock: one that is being written is taken for a torn one',
    from: 'return Date.now() - lock.modified > TORN_MILLISECONDS;',
    to: 'return true;',
  },
  {
    file: 'src/cli/pruneCommand.ts',
    specs: ['spec/cli/lostFolder.spec.ts'],
    name: 'a result that cannot be saved is not shown',
    from: '.catch((error: unknown) => error as Error);',
    to: ';',
  },
];
