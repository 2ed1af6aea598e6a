/** Faults of locks, of journals' and checkpoints' checksums, and of whose run a model is given. */
import type { Mutant } from './mutant.ts';

const lock = { file: 'src/platform/nodeLock.ts', specs: ['spec/platform/nodeLock.spec.ts'] };
const owner = { file: 'src/platform/lockOwner.ts', specs: ['spec/platform/nodeLock.spec.ts'] };

const chain = { file: 'src/prune/lineChain.ts', specs: ['spec/prune/journal.spec.ts', 'spec/fuzz/journals.spec.ts'] };
const journal = { file: 'src/prune/journal.ts', specs: ['spec/prune/journal.spec.ts'] };
const checkpoint = { file: 'src/train/checkpointSum.ts', specs: ['spec/train/train.spec.ts'] };
const log = { file: 'src/cli/trainingLog.ts', specs: ['spec/cli/trainingLog.spec.ts'] };
const runs = { file: 'src/cli/runModel.ts', specs: ['spec/cli/runModel.spec.ts'] };
const sink = { file: 'src/platform/nodeJournal.ts', specs: ['spec/platform/nodeJournal.spec.ts'] };

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
    name: 'lock: put over what is there already',
    from: 'await link(unfinished, path).catch(',
    to: 'await rename(unfinished, path).catch(',
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
    ...chain,
    name: 'journal: a checksum does not cover the line before',
    from: '`${this.#before}\\n${body}`',
    to: '`\\n${body}`',
  },
  {
    ...chain,
    name: 'journal: a checksum is not compared',
    from: 'if (line !== `${body}${START}${sum}${END}`) return false;',
    to: 'if (line.length < 0) return false;',
  },
  {
    ...journal,
    name: 'journal: a line without a checksum is taken as it is',
    from: 'this.#chain === null ? !isSealed(line) : this.#chain.add(line)',
    to: 'this.#chain === null || !isSealed(line) || this.#chain.add(line)',
  },
  {
    ...journal,
    name: 'journal: one of version 1 may have checksums that nobody looks at',
    from: 'this.#chain === null ? !isSealed(line) :',
    to: 'this.#chain === null ? true :',
  },
  {
    ...journal,
    name: 'journal: a recorded removal is not held against the scores',
    from: 'recorded.removed !== removed || ',
    to: '',
  },
  {
    ...journal,
    name: 'journal: a recorded perplexity is not held against the scores',
    from: ' || !isSame(recorded.ppl, ppl)',
    to: '',
  },
  {
    ...journal,
    name: 'journal: records of any step follow each other',
    from: 'record.step !== done + 1',
    to: 'record.step < 0',
  },
  {
    ...journal,
    name: 'journal: a file that is none is overwritten',
    from: 'checkTorn(sink);',
    to: '',
  },
  {
    ...sink,
    name: 'journal: a torn line is written on',
    from: 'if (untidy) await handle.truncate(end);',
    to: '',
  },
  {
    file: 'src/prune/run.ts',
    specs: ['spec/prune/run.spec.ts'],
    name: 'journal: an unchecked one is not said to be',
    from: 'if (!journal.checked)',
    to: 'if (journal.seconds() < 0)',
  },
  {
    ...checkpoint,
    name: 'checkpoint: the checksum does not cover the numbers',
    from: 'for (let at = AT + BLANK_SUM.length; at < file.length; at += PIECE) hasher.update(file.subarray(at, at + PIECE));',
    to: '',
  },
  {
    ...checkpoint,
    name: 'checkpoint: nor what comes before it',
    from: 'hasher.update(file.subarray(0, AT));',
    to: '',
  },
  {
    ...checkpoint,
    name: 'checkpoint: one whose beginning is damaged counts as an old one',
    from: 'if (start.startsWith(UNCHECKED)) return false;',
    to: 'if (!start.startsWith(SEALED)) return false;',
  },
  {
    file: 'src/train/train.ts',
    specs: ['spec/train/train.spec.ts'],
    name: 'checkpoint: one without a checksum is taken without a word',
    from: "if (!checkSum(saved, store.name, newHasher)) yield { type: 'warning', message: `${store.name}: ${UNCHECKED}` };",
    to: 'checkSum(saved, store.name, newHasher);',
  },
  {
    ...log,
    name: "training log: another run's is taken",
    from: 'this.#chain = new LineChain(nodeHasher, identity);',
    to: 'this.#chain = new LineChain(nodeHasher);',
  },
  {
    ...log,
    name: 'training log: a line that does not fit is taken',
    from: 'checked && !chain.add(line) ? null : parseLine(line)',
    to: 'parseLine(line)',
  },
  {
    ...log,
    name: 'training log: steps are missing without a word',
    from: 'if (steps < step) {',
    to: 'if (steps > step) {',
  },
  {
    ...runs,
    name: "heal --run: another model's run is taken",
    from: 'if (contentHash !== (await weights.contentHash(nodeHasher()))) {',
    to: "if (contentHash === '') {",
  },
  {
    ...runs,
    name: "heal --run: another run's list of blocks is taken",
    from: 'removed === null ||',
    to: 'removed !== undefined ||',
  },
  {
    ...runs,
    name: 'heal --run: without a result, the journal is not asked',
    from: 'return journal === null ? [] : [journal];',
    to: 'return journal === null ? [] : [];',
  },
  {
    ...runs,
    name: "--mask: no warning of another model's blocks",
    from: 'if (records.some(({ contentHash }) => contentHash === own)) return;',
    to: 'if (own.length > 0) return;',
  },
  {
    file: 'src/prune/appendAll.ts',
    specs: ['spec/prune/manyChunks.spec.ts'],
    name: 'scores of very many chunks are spread over the stack',
    from: 'for (const item of items) to.push(item);',
    to: 'to.push(...items);',
  },
  {
    file: 'src/cli/pruneCommand.ts',
    specs: ['spec/cli/lostFolder.spec.ts'],
    name: 'a result that cannot be saved is not shown',
    from: '.catch((error: unknown) => error as Error);',
    to: ';',
  },
];
