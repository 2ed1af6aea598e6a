/** Faults of the memory that a repair is planned to need. */
import type { Mutant } from './mutant.ts';

const plan = { file: 'src/session/memoryPlan.ts', specs: ['spec/session/memoryPlan.spec.ts'] };
const run = { file: 'src/prune/repair/workload.ts', specs: ['spec/prune/repair/workload.spec.ts'] };

export const repairMemoryMutants: readonly Mutant[] = [
  {
    ...plan,
    name: 'memory: of two kinds of work, only the first is planned for',
    from: 'if (workload.also === undefined) return needs;',
    to: 'return needs;',
  },
  {
    ...plan,
    name: 'memory: streams on the host take what the run needs',
    from: 'Math.floor((memoryBytes - smallestMemory(needs)) / 4)',
    to: 'Math.floor(memoryBytes / 4)',
  },
  {
    file: 'src/session/loadedWeights.ts',
    specs: ['spec/session/session.spec.ts'],
    name: 'memory: streams on the host are not taken off what the backend gets',
    from: 'this.#memoryBytes - streamBytes, capacityBytes',
    to: 'this.#memoryBytes, capacityBytes',
  },
  {
    file: 'src/session/loadedWeights.ts',
    specs: ['spec/session/session.spec.ts'],
    name: 'memory: each of two models gets the weights of both',
    from: 'plan.weightBytes / modelsOf(workload)',
    to: 'plan.weightBytes',
  },
  {
    ...run,
    name: 'memory: a search is not planned for its repair',
    from: 'also: { ...mending, hostBytes, models: 2 } };',
    to: '};',
  },
  {
    ...run,
    name: "memory: leaders' fits are not counted",
    from: "const held = when === 'each' ? 2 : 0;",
    to: 'const held = 0;',
  },
  {
    file: 'src/repair/repairMemory.ts',
    specs: ['spec/repair/repairMemory.spec.ts'],
    name: 'memory: a repair of every block is said to fit half of them',
    from: "scope === 'cuts' ? Math.floor(sizes.length / 2) : sizes.length",
    to: 'Math.floor(sizes.length / 2)',
  },
];
