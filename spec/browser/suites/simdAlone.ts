/** In a page that is not cross-origin isolated: one thread. */
import { describe, expect, it } from 'vitest';
import { simdBackend } from '../../../src/backends/simd/simdBackend.ts';
import { UnsupportedBackendError } from '../../../src/errors.ts';
import { backendContract } from '../../contract/backendContract.ts';

describe.each(['relaxed-fma', 'plain'] as const)('simd %s', (variant) => {
  backendContract('alone', () => simdBackend({ memoryBytes: 64 * 2 ** 20, threads: 1, spawn: null, variant }));
});

it('memory cannot be shared, and two threads are refused', async () => {
  expect([crossOriginIsolated, typeof SharedArrayBuffer]).toEqual([false, 'undefined']);
  await expect(simdBackend({ memoryBytes: 2 ** 20, threads: 2, spawn: null })).rejects.toThrow(UnsupportedBackendError);
});
