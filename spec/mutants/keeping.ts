/** Faults of walks that are kept and gone on with. */
import type { Mutant } from './mutant.ts';

const keeper = { file: 'src/prune/pricing/walkKeeper.ts', specs: ['spec/prune/pricing/walkKeeper.spec.ts'] };
const file = { file: 'src/prune/pricing/courseFile.ts', specs: ['spec/prune/pricing/walkKeeper.spec.ts'] };
const course = { file: 'src/prune/pricing/course.ts', specs: ['spec/prune/pricing/walkKeeper.spec.ts'] };

export const keepingMutants: readonly Mutant[] = [
  {
    ...file,
    name: 'a kept walk: its sum is not looked at',
    from: 'return sum === hasher.digest();',
    to: 'return sum !== hasher.digest() || sum.length > 0;',
  },
  {
    ...file,
    name: 'a kept walk: what stands behind it is not noticed',
    from: 'source.size !== sumAt + SUM_LENGTH',
    to: 'source.size < sumAt + SUM_LENGTH',
  },
  {
    ...file,
    name: 'a kept walk: that of another job is gone on with',
    from: "if (course.job !== job) return 'another job';",
    to: '',
  },
  ...['this.#identity, ', 'model, ', 'mask.toString(), ', 'names, ', ', chunks', ', withKl'].map((field): Mutant => ({
    ...keeper,
    specs: [...keeper.specs, 'spec/prune/kl.spec.ts'],
    name: `a kept walk: its hash misses ${field.replace(/^, |, $/g, '')}`,
    from: 'const job = [this.#identity, model, mask.toString(), names, chunks, withKl];',
    to: `const job = [this.#identity, model, mask.toString(), names, chunks, withKl];`.replace(field, ''),
  })),
  {
    ...keeper,
    name: 'a kept walk: forks come back at the place of the base',
    from: 'bundles.add(name, stream, at);',
    to: 'bundles.add(name, stream, stored.base);',
  },
  {
    ...keeper,
    name: 'a kept walk: the streams of a bundle come back as its first',
    from: 'all.subarray(index * rows * cols, (index + 1) * rows * cols)',
    to: 'all.subarray(0, rows * cols)',
  },
  {
    ...keeper,
    name: 'a kept walk is written as often as asked, however long that takes',
    from: 'Math.min(RARITY * this.#cost, LONGEST * every)',
    to: '0',
  },
  {
    ...keeper,
    name: 'a walk that came to its end leaves its file behind',
    from: 'if (this.#latest?.isThrough === true) await this.clear();',
    to: '',
  },
  {
    ...course,
    name: 'a walk that was gone on with leaves checkpoints of what it did not walk',
    from: 'before === null ? (base?.at ?? 0) : Infinity',
    to: 'base?.at ?? 0',
  },
  {
    file: 'src/prune/pricing/sweep.ts',
    specs: ['spec/prune/pricing/pricer.spec.ts'],
    name: 'the base is kept for the next step where it waits for the next portion',
    from: 'isLast || place <= lastFork ? course.baseAt(place) : null',
    to: 'course.baseAt(place)',
  },
  {
    file: 'src/prune/pricing/sweep.ts',
    specs: ['spec/prune/pricing/walkKeeper.spec.ts'],
    name: 'a walk that is left is not kept',
    from: 'if (!course.isThrough) await keeper?.keepAtLast(course);',
    to: '',
  },
];
