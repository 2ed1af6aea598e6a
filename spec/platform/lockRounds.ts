/**
 * Processes that all find the same stale lock, round after round: one of them must win, and one
 * only.
 *
 *   node spec/platform/lockRounds.ts [ROUNDS] [PROCESSES]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isStale, lockText, lockToken } from '../../src/platform/lockOwner.ts';
import { lockFile } from '../../src/platform/nodeLock.ts';

const script = fileURLToPath(import.meta.url);
/** Greater than any process id there can be. */
const NOBODY = 2 ** 30;

/** What a lock may have been left behind as. */
export const staleLocks: Readonly<Record<string, string>> = {
  'of a process that is gone': `${NOBODY} ${hostname()} 0123456789ab -\n`,
  'of version 0.1': `${NOBODY} ${hostname()}`,
  'whose number another process has now': `${process.pid} ${hostname()} 0123456789ab ${spaceOfNumbers()}/1\n`,
  'torn, and old': `${NOBODY}`,
};

/** The space that this process's number counts in: as Linux names it, in locks. */
function spaceOfNumbers(): string {
  return /(\d+)\/\d+\n$/.exec(lockText())?.[1] ?? '0';
}

/** Writes one, as old as can be. */
export async function leaveLock(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await utimes(path, 0, 0);
}

export interface Round {
  winners: number;
  /** What lay beside the journal's lock while it was held, and after its release. */
  beside: string[];
  after: string[];
}

/** Runs the rounds and gives what each came to. */
export async function lockRounds(rounds: number, processes: number): Promise<Round[]> {
  const folder = await mkdtemp(join(tmpdir(), 'blockpruner-locks-'));
  const rivals = Array.from({ length: processes }, () => fork(script, ['rival']));
  try {
    const found: Round[] = [];
    const texts = Object.values(staleLocks).filter((text) => isStale({ text, modified: 0 }));
    for (let round = 0; round < rounds; round++) {
      const own = join(folder, String(round));
      await mkdir(own);
      const path = join(own, 'journal.lock');
      const text = texts[round % texts.length];
      await leaveLock(path, text);
      // Every other time somebody was killed while taking it over, and somebody while taking over
      // that.
      const claim = `${path}.${lockToken({ text, modified: 0 })}`;
      if (round % 2 === 1) await leaveLock(claim, texts[0]);
      if (round % 4 === 3) await leaveLock(`${claim}.${lockToken({ text: texts[0], modified: 0 })}`, texts[0]);
      found.push(await oneRound(rivals, own, path));
    }
    return found;
  } finally {
    for (const rival of rivals) rival.kill();
    await rm(folder, { recursive: true });
  }
}

async function oneRound(rivals: readonly ChildProcess[], folder: string, path: string): Promise<Round> {
  const start = Date.now() + 5;
  const outcomes = await Promise.all(rivals.map((rival) => ask(rival, { path, start })));
  const errors = outcomes.filter((outcome) => outcome !== 'won' && !outcome.includes('is in use by'));
  if (errors.length > 0) throw new Error(errors.join('\n'));
  const beside = (await readdir(folder)).filter((name) => name !== 'journal.lock');
  await Promise.all(rivals.map((rival) => ask(rival, { release: true })));
  return { winners: outcomes.filter((outcome) => outcome === 'won').length, beside, after: await readdir(folder) };
}

type Order = { path: string; start: number } | { release: true };

function ask(rival: ChildProcess, order: Order): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('a process ended'));
    rival.once('exit', ended);
    rival.once('message', (answer) => {
      rival.off('exit', ended);
      resolve(String(answer));
    });
    rival.send(order);
  });
}

/**
 * One of the processes: tries for the lock at the moment it is told, keeps it until all have tried.
 */
function compete(): void {
  let unlock: (() => Promise<void>) | null = null;
  const answer = async (order: Order): Promise<string> => {
    if ('release' in order) {
      await unlock?.();
      unlock = null;
      return 'released';
    }
    while (Date.now() < order.start);
    unlock = await lockFile(order.path, () => {});
    return existsSync(order.path) ? 'won' : 'won, and lost it';
  };
  process.on('message', (order) => {
    void answer(order as Order)
      .catch((error: unknown) => String(error))
      .then((text) => process.send?.(text));
  });
}

if (process.argv[1] === script) {
  if (process.argv[2] === 'rival') compete();
  else {
    const [rounds = 1000, processes = 4] = process.argv.slice(2).map(Number);
    const found = await lockRounds(rounds, processes);
    const right = found.filter(({ winners }) => winners === 1).length;
    const littered = found.filter(({ after }) => after.length > 0).length;
    console.log(`${rounds} rounds, ${processes} processes: one winner in ${right}; ${littered} left files behind`);
    process.exitCode = right === rounds && littered === 0 ? 0 : 1;
  }
}
