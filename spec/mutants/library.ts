/**
 * Faults in what a program that uses the library relies on: that a backend ends, and that its
 * kernels are named rightly.
 */
import type { Mutant } from './mutant.ts';

const assembly = 'src/backends/simd/assembly';
const simd = { specs: ['spec/contract/simd.spec.ts'] };

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
    file: 'src/backends/ownedScope.ts',
    from: "this.expectOpen('view');",
    to: '',
    specs: ['spec/contract/reference.spec.ts'],
  },
  {
    name: 'closing a scope after dispose is refused',
    file: 'src/backends/ownedScope.ts',
    from: "this.rules.check('close', !this.#closed, () => 'the scope is closed');",
    to: "this.expectOpen('close');",
    specs: ['spec/contract/reference.spec.ts'],
  },
  {
    name: 'a view outlives what it is a view of',
    file: 'src/backends/handles.ts',
    from: '!x.freed && !x.owner.freed',
    to: '!x.freed',
    specs: ['spec/backends/handles.spec.ts'],
  },
  {
    name: 'a RoPE table too short for the positions is taken',
    file: 'src/backends/handles.ts',
    from: 'isRange(start, start + seqLen, Math.min(cos.rows, sin.rows))',
    to: 'isRange(start, start + 1, Math.min(cos.rows, sin.rows))',
    specs: ['spec/backends/handles.spec.ts'],
  },
  {
    name: 'a kept array stays its scope’s',
    file: 'src/backends/ownedScope.ts',
    from: 'this.#made.delete(handle)',
    to: 'this.#made.has(handle)',
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
    name: 'a thread pool that has stopped does not say so',
    file: 'src/backends/simd/threadPool.ts',
    from: 'this.running.expect();\n    if (this.#memory === null)',
    to: 'if (this.#memory === null)',
    specs: ['spec/backends/simd/threadPool.spec.ts'],
  },
  {
    name: 'threads asleep are not woken to stop',
    file: 'src/backends/simd/threadPool.ts',
    from: '      this.#wake(controlOf(memory.buffer));\n',
    to: '',
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
  {
    name: 'the ladder is part of the kernels that a journal names',
    file: 'src/backends/simd/assembly/index.ts',
    from: "export { nllTile, nllReset } from './nll';",
    to: "export { nllTile, nllReset } from './nll';\nexport { linearScalar, linearVector, linearTiled } from './ladder';",
    specs: ['spec/backends/simd/digest.spec.ts'],
  },
  {
    ...simd,
    name: 'SIMD scores beyond f32 stay NaN',
    file: `${assembly}/attention.ts`,
    from: 'if (sum != sum) {',
    to: 'if (false) {',
  },
  {
    ...simd,
    name: 'SIMD a score below f32 counts as nothing beside others',
    file: `${assembly}/attention.ts`,
    from: ' || f32x4.extract_lane(both, 1) == -Infinity) return NaN;',
    to: ') return NaN;',
  },
  {
    ...simd,
    name: 'SIMD an infinite value reaches rows that do not see it',
    file: `${assembly}/attention.ts`,
    from: 'mixOwn(to, row, values, <usize>keyLen << 5, headDim, from, position + r + 1 - first);',
    to: '',
  },
  {
    ...simd,
    name: 'SIMD norms of huge numbers in f32',
    file: `${assembly}/norm.ts`,
    from: 'deviation < SMALL || deviation > LARGE',
    to: 'deviation < SMALL',
  },
  {
    ...simd,
    name: 'SIMD swiglu far below zero grows with its gate',
    file: `${assembly}/elementwise.ts`,
    from: 'if (minLanes(lowest) < SILU_LOWEST) repairSwiglu(out, gate, up, begin, end);',
    to: '',
  },
  {
    name: 'an id that cannot come makes the log-sum-exp NaN',
    file: 'src/ops/nll.ts',
    from: 'if (logit === -Infinity) continue;',
    to: '',
    specs: ['spec/contract/reference.spec.ts'],
  },
  {
    name: 'GPU scores beyond f32 share the weight',
    file: 'src/backends/gpu/kernels/attention.ts',
    from: 'if (ownSmall < most) return 0;',
    to: '',
    specs: ['spec/contract/gpu.spec.ts'],
  },
  {
    name: "a page's relative addresses are the worker's",
    file: 'src/web/client.ts',
    from: 'absolute(from, base)',
    to: 'absolute(from, undefined)',
    specs: ['spec/web/client.spec.ts'],
  },
  {
    name: 'a thread that does not start is not an error of the family',
    file: 'src/platform/nodeThreads.ts',
    from: 'throw new UnsupportedBackendError(`a kernel thread',
    to: 'throw new TypeError(`a kernel thread',
    specs: ['spec/platform/nodeThreads.spec.ts'],
  },
  {
    name: 'the package’s types ask for DOM types',
    file: 'src/backends/simd/simdDevice.ts',
    from: 'get memory(): WasmMemory {',
    to: 'get memory(): WebAssembly.Memory {',
    specs: ['spec/package.spec.ts'],
  },
];
