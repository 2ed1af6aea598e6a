/** gpu.js's WebGPU device for benches of single kernels: through the backend's own parts, and by hand. */
import { GpuDevice } from '../src/backends/gpu/gpuDevice.ts';
import { loadGpuJs, type GpuJs } from '../src/backends/gpu/gpuJs.ts';
import { acquireDevice, nameAdapter, releaseDevice } from '../src/backends/gpu/webGpu.ts';

export interface GpuBench {
  gpuJs: GpuJs;
  /** Runs the backend's kernels, without its handles. */
  device: GpuDevice;
  /** The same device without gpu.js. */
  raw: GPUDevice;
  /** `gpu (webgpu, nvidia hopper)`, as the backend says it. */
  name: string;
  finish: () => Promise<unknown>;
  close: () => Promise<void>;
}

/** Opens it; `navigator.gpu` must be there. @throws UnsupportedBackendError where there is no adapter. */
export async function openGpuBench(): Promise<GpuBench> {
  const gpuJs = await loadGpuJs();
  const onError = (reason: Error): void => device.fail(reason);
  const context = await acquireDevice(gpuJs, onError);
  const raw = context.device as unknown as GPUDevice;
  const done = (): Promise<unknown> => raw.queue.onSubmittedWorkDone();
  const device = await GpuDevice.open(gpuJs, 'webgpu', Infinity, done);
  const probe = device.upload(Float32Array.of(1), 1, 1);
  return {
    gpuJs,
    device,
    raw,
    name: `gpu (webgpu, ${nameAdapter(context.adapter.info).name})`,
    async finish() {
      // gpu.js's calls are submitted when this has come back, those by hand when they were made.
      await device.read(probe);
      await done();
    },
    async close() {
      await device.dispose();
      await releaseDevice(gpuJs, onError);
    },
  };
}
