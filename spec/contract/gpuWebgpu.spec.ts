/** gpu.js on WebGPU, where this machine has an adapter; a software one will do. */
import { fc } from '@fast-check/vitest';
import { describe } from 'vitest';
import { gpuBackend } from '../../src/backends/gpu/gpuBackend.ts';
import { webGpuMissing } from '../backends/gpu/webGpuMissing.ts';
import { backendContract, f32Limits } from './backendContract.ts';

const missing = await webGpuMissing();

// A software adapter takes its time over every dispatch.
fc.configureGlobal({ numRuns: 10 });

describe.skipIf(missing !== null)(`WebGPU${missing === null ? '' : ` (${missing})`}`, () => {
  backendContract('gpu (webgpu)', () => gpuBackend({ mode: 'webgpu' }), f32Limits, f32Limits);
});
