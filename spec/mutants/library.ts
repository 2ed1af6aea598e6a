/** Faults in what a program that uses the library relies on: that a backend ends, and that its kernels are named rightly. */
import type { Mutant } from './mutant.ts';

export const libraryMutants: readonly Mutant[] = [
  {
    name: 'a disposed backend goes on',
    file: 'src/backends/running.ts',
    from: 'if (this.#failure !== null) throw this.#failure;',
    to: '',
    specs: ['spec/contract/reference.spec.ts'],
  },
  {
    name: 'a disposed backend still gives views',
    file: 'src/backends/reference/referenceScope.ts',
    from: 'protected checkOpen(op: string): void {\n    this.memory.running.expect();',
    to: 'protected checkOpen(op: string): void {',
    specs: ['spec/contract/reference.spec.ts'],
  },
  {
    name: 'closing a scope after dispose is refused',
    file: 'src/backends/reference/referenceScope.ts',
    from: "check('close', !this.#closed, 'the scope is closed');",
    to: "this.checkOpen('close');",
    specs: ['spec/contract/reference.spec.ts'],
  },
  {
    name: 'disposing twice ends the backend twice',
    file: 'src/backends/running.ts',
    from: 'this.#ending ??= release();',
    to: 'this.#ending = release();',
    specs: ['spec/backends/running.spec.ts'],
  },
  {
    name: 'a kernel thread that is gone goes unnoticed',
    file: 'src/backends/simd/threadPool.ts',
    from: 'ended.then(gone, gone);',
    to: 'ended.then(() => {}, gone);',
    specs: ['spec/backends/simd/threadPool.spec.ts'],
  },
  {
    name: 'a GPU read waits for a command that never ends',
    file: 'src/backends/gpu/commandQueue.ts',
    from: 'this.#reject(this.#failure);',
    to: '',
    specs: ['spec/backends/gpu/commandQueue.spec.ts'],
  },
  {
    name: 'threads are not told to stop when another does not start',
    file: 'src/backends/simd/threadPool.ts',
    from: 'await pool.stop();\n      throw',
    to: 'throw',
    specs: ['spec/backends/simd/threadPool.spec.ts'],
  },
];
