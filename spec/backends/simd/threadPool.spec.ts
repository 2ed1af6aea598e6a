import { describe, expect, it } from 'vitest';
import { compileKernels, probeMemory } from '../../../src/backends/simd/kernels.ts';
import { simdBackend } from '../../../src/backends/simd/simdBackend.ts';
import { ThreadPool, type SpawnWorker, type WorkerHandle } from '../../../src/backends/simd/threadPool.ts';
import { DisposedError, UnsupportedBackendError } from '../../../src/errors.ts';
import { nodeSpawnWorker } from '../../../src/platform/nodeThreads.ts';
import { normals } from '../../arbitraries.ts';

const options = { memoryBytes: 2 ** 22, threads: 2, variant: 'plain' } as const;

describe.skipIf(compileKernels('plain') === null)('threads that are gone', () => {
  it.each(['ended', 'failed'])(
    'one that %s by itself is an error at the next use, not a wait without end',
    async (how) => {
      const gone = how === 'ended' ? Promise.resolve() : Promise.reject(new Error('out of memory'));
      const spawn: SpawnWorker = () => Promise.resolve({ ended: gone, hold: () => {} });
      const backend = await simdBackend({ ...options, spawn });
      await gone.catch(() => {});
      expect(() => backend.store(normals(1, 6), 2, 3)).toThrow(UnsupportedBackendError);
      expect(() => backend.scope()).toThrow(
        'a kernel thread ended by itself. Open the backend again, or use --threads 1.',
      );
      await backend.dispose();
    },
  );

  it('where one does not start, those that did are ended, and the reason is told', async () => {
    const started: WorkerHandle[] = [];
    const spawn: SpawnWorker = async (start) => {
      if (start.part === 2) throw new UnsupportedBackendError('no more threads.');
      const handle = await nodeSpawnWorker(start);
      started.push(handle);
      return handle;
    };
    await expect(simdBackend({ ...options, threads: 4, spawn })).rejects.toThrow('no more threads.');
    expect(started).toHaveLength(2);
    expect(await haveEnded(started)).toBe(true);
  });

  it('a backend disposed at once after its start has ended its threads by then', async () => {
    const handles: WorkerHandle[] = [];
    const spawn: SpawnWorker = async (start) => {
      handles.push(await nodeSpawnWorker(start));
      return handles[handles.length - 1];
    };
    const backend = await simdBackend({ ...options, threads: 3, spawn });
    await backend.dispose();
    expect(await haveEnded(handles)).toBe(true);
    expect(() => backend.allocate(1, 1)).toThrow(DisposedError);
  });

  it('a pool that has stopped takes no job: nobody is left to share it with', async () => {
    const module = compileKernels('plain') ?? {};
    const pool = await ThreadPool.start([module], probeMemory(), 4, 2, nodeSpawnWorker);
    const job = { kernel: 0, args: [], units: 0, align: 1, parts: 2, scratchArgument: -1, scratchStride: 0 };
    const stopped = pool.stop();
    expect(() => pool.run(job)).toThrow(DisposedError);
    await stopped;
    expect(() => pool.run(job)).toThrow(DisposedError);
    await pool.stop();
  });
});

/** Whether all have ended by now. */
function haveEnded(handles: readonly WorkerHandle[]): Promise<boolean> {
  const ended = Promise.all(handles.map((handle) => handle.ended)).then(() => true);
  return Promise.race([ended, new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);
}
