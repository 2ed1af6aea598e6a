import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compileKernels } from '../../src/backends/simd/kernels.ts';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { UnsupportedBackendError } from '../../src/errors.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';

const options = { memoryBytes: 1 << 22, threads: 2, spawn: nodeSpawnWorker, variant: 'plain' } as const;
const workers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

describe.skipIf(compileKernels('plain') === null)('threads under Node', () => {
  it('start with the backend and end with it', async () => {
    const before = workers();
    const backend = await simdBackend(options);
    expect(backend.description).toBe('simd (plain, 4 lanes, 2 threads)');
    await backend.dispose();
    expect(workers()).toBe(before);
  });

  it('do not keep a process alive that forgets them', async () => {
    const at = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
    const script = `const { simdBackend } = await import(${at('backends/simd/simdBackend.ts')});
      const { nodeSpawnWorker: spawn } = await import(${at('platform/nodeThreads.ts')});
      const backend = await simdBackend({ memoryBytes: 4e6, threads: 2, spawn, variant: 'plain' });
      console.log(backend.description);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      // Long enough for any machine; one that is kept alive would never end.
      timeout: 120_000,
    });
    expect(stdout).toBe('simd (plain, 4 lanes, 2 threads)\n');
  });

  it('a worker that cannot start is an error, not a wait without end', async () => {
    const module = compileKernels('plain');
    if (module === null) return;
    const start = nodeSpawnWorker({ modules: [module], memory: {} as WebAssembly.Memory, lanes: 4, part: 1 });
    await expect(start).rejects.toThrow(UnsupportedBackendError);
    await expect(start).rejects.toThrow(/memory.* Use --threads 1\.$/);
  });
});
