/**
 * Entry of the worker that runs a suite: kernel threads may only be waited for in a worker. Its
 * name is the suite's.
 */
import { runSuite } from './runSuite.ts';

const suites: Readonly<Record<string, () => Promise<unknown>>> = {
  simd: () => import('./suites/simd.ts'),
  simdAlone: () => import('./suites/simdAlone.ts'),
  webgpu: () => import('./suites/webgpu.ts'),
  webgl2: () => import('./suites/webgl2.ts'),
};

const { name } = self;
await runSuite(name, suites[name], (message) => postMessage(message));
