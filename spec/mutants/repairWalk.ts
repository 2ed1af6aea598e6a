/** Faults in the walk of a repair. */
import type { Mutant } from './mutant.ts';

const cuts = { file: 'src/repair/cuts.ts', specs: ['spec/repair/cuts.spec.ts'] };
const walk = { file: 'src/repair/repair.ts', specs: ['spec/repair/repair.spec.ts'] };
const stream = { file: 'src/repair/stream.ts', specs: ['spec/repair/repair.spec.ts'] };
const oracles = ['spec/repair/repairOracles.spec.ts', 'spec/repair/plainRepair.spec.ts'];
const sums = { file: 'src/repair/branchSums.ts', specs: oracles };
const scale = { file: 'src/repair/scaleWalk.ts', specs: ['spec/repair/scaleWalk.spec.ts'] };
const memory = { file: 'src/repair/repairMemory.ts', specs: ['spec/repair/repairMemory.spec.ts'] };

export const repairWalkMutants: readonly Mutant[] = [
  {
    ...cuts,
    name: 'a removed block belongs to the next kept one',
    from: '(kept.at(-1)?.run ?? leading)',
    to: 'leading',
  },
  {
    ...cuts,
    name: 'blocks before the first cut are fitted',
    from: "scope === 'all' ? missing",
    to: "scope === 'all' ? true",
  },
  { ...walk, name: 'the dense stream skips the removed blocks', from: '[step.block, ...step.run]', to: '[step.block]' },
  {
    ...walk,
    name: 'the next block sees the stream of the old weights',
    from: 'through(mended, step.block)',
    to: 'through(model, step.block)',
  },
  {
    ...walk,
    name: 'a fit found in memory is made again',
    from: 'let found = await memory.recall(key);',
    to: 'let found: FittedBlock | null = null;',
  },
  {
    ...walk,
    name: 'the model after the fits is never freed',
    from: '  } finally {\n    mended.free();',
    to: '  } finally {',
  },
  {
    ...walk,
    name: 'removed blocks after the cut are in a fit’s key',
    from: '<= walkIndex(last)',
    to: '>= 0',
    specs: ['spec/repair/sharedFits.spec.ts'],
  },
  {
    ...stream,
    name: 'a stream without room forgets its moves',
    from: 'this.#moves.push(move);',
    to: '',
  },
  { ...stream, name: 'a fork shares its moves', from: 'fork.#moves.push(...this.#moves);', to: '' },
  {
    ...sums,
    name: 'what is missing has the wrong sign',
    from: 'target[from + i] - after[from + i]',
    to: 'after[from + i] - target[from + i]',
  },
  { ...sums, name: 'a bias has no column of ones', from: 'if (shape.bias) joined[at + width - 1] = 1;', to: '' },
  {
    file: 'src/repair/units.ts',
    specs: ['spec/repair/units.spec.ts'],
    name: 'padding is fitted on',
    from: '(token) => token !== ignoredId',
    to: '() => true',
  },
  {
    file: 'src/repair/units.ts',
    specs: ['spec/repair/units.spec.ts'],
    name: 'the first of eight chunks is held out',
    from: 'HELD_OUT_OF * (at + 1) - 1',
    to: 'HELD_OUT_OF * at',
  },
  { ...scale, name: 'a cut scales what is written after it', from: 'at >= place', to: 'at <= place' },
  {
    ...scale,
    name: 'a tied head stays as large as its embedding',
    from: 'config.tieWordEmbeddings ? 1 / all : 1',
    to: '1',
  },
  {
    ...memory,
    name: 'the Gram matrix is not planned for',
    from: '3 * width * width + ',
    to: '',
    specs: ['spec/repair/repairMemory.spec.ts'],
  },
];
