/**
 * What a call costs apart from its arithmetic: a kernel that copies one number, through the backend, through gpu.js, and by
 * hand with ever less of what gpu.js does around it. Each line differs from the next by one thing.
 */
import { compileProgram } from '../src/backends/gpu/compileProgram.ts';
import type { Resident } from '../src/backends/gpu/gpuJs.ts';
import { programs } from '../src/backends/gpu/programs.ts';
import { timeQueued, type Pace, type Queued } from './batch.ts';
import type { GpuBench } from './gpuBench.ts';
import type { Row } from './document.ts';
import { bind, compileWgsl, dispatch, readBack, storage, uniform, uploadStorage } from './rawWebGpu.ts';

const copyOne = `
@group(0) @binding(0) var<uniform> params : vec4u;
@group(0) @binding(1) var<storage, read> x : array<f32>;
@group(0) @binding(2) var<storage, read_write> out : array<f32>;
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at : vec3u) {
  if (at.x >= params.x || at.y >= params.y) { return; }
  out[at.y * params.x + at.x] = x[at.y * params.x + at.x];
}`;

/** Dispatches that share an encoder in the last line. */
const SHARED = 64;

interface Call extends Omit<Queued, 'threads'> {
  name: string;
  /** Kernels that one run calls. */
  kernels: number;
}

/** Microseconds of a call, of many queued; then of one that is waited for. */
export async function callRows(bench: GpuBench, pace: Pace): Promise<Row[]> {
  console.error('bench:gpu: what a call costs');
  const { calls, close } = await prepare(bench);
  const measured = await timeQueued(
    calls.map((call) => ({ ...call, threads: 0 })),
    pace,
  );
  await close();
  return calls.map(({ name, kernels }, index): Row => {
    const { value, ...figures } = measured[index];
    const microseconds = (1000 * value) / kernels;
    return {
      name: `a call: ${name}`,
      engine: bench.name,
      threads: 0,
      unit: 'µs',
      ...figures,
      value: microseconds,
      share: null,
    };
  });
}

async function prepare({
  device,
  raw,
  gpuJs,
  finish,
}: GpuBench): Promise<{ calls: Call[]; close: () => Promise<void> }> {
  const one = device.upload(Float32Array.of(1), 1, 1);
  const gpu = new gpuJs.GPU({ mode: 'webgpu' });
  const kernel = await compileProgram(gpuJs, gpu, programs.copy, 'webgpu');
  kernel.setOutput([1, 1]);
  const resident = (await kernel(gpuJs.input(Float32Array.of(1), [1]), 0, 1)) as Resident;

  const rawKernel = await compileWgsl(raw, copyOne, 1);
  const x = uploadStorage(raw, Float32Array.of(1));
  const params = uniform(raw, Uint32Array.of(1, 1, 0, 0));
  const kept = storage(raw, 4);
  const group = bind(raw, rawKernel, [params, x, kept]);
  const words = Uint32Array.of(1, 1, 0, 0);
  const submitted = (): Promise<unknown> => raw.queue.onSubmittedWorkDone();
  const byHand = (out: GPUBuffer): void => {
    raw.queue.writeBuffer(params, 0, words);
    dispatch(raw, rawKernel, bind(raw, rawKernel, [params, x, out]), [1, 1]);
  };

  const calls: Call[] = [
    {
      name: "the backend's (its queue, a gpu.js kernel)",
      kernels: 1,
      run: () => device.discard(device.run('copy', 1, 1, [one, 0, 1])),
      finish,
    },
    {
      name: 'a gpu.js kernel',
      kernels: 1,
      run: () => void (kernel(resident, 0, 1) as Promise<Resident>).then((result) => result.delete()),
      finish: submitted,
    },
    {
      name: 'by hand, with a new buffer, parameters and a bind group each time, as gpu.js does',
      kernels: 1,
      run() {
        const out = storage(raw, 4);
        byHand(out);
        out.destroy();
      },
      finish: submitted,
    },
    { name: 'by hand, without the new buffer', kernels: 1, run: () => byHand(kept), finish: submitted },
    {
      name: 'by hand, without the parameters and the bind group: encoder, pass, submit',
      kernels: 1,
      run: () => dispatch(raw, rawKernel, group, [1, 1]),
      finish: submitted,
    },
    {
      name: `by hand, ${SHARED} in one pass and one submit`,
      kernels: SHARED,
      run() {
        const encoder = raw.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(rawKernel.pipeline);
        pass.setBindGroup(0, group);
        for (let call = 0; call < SHARED; call++) pass.dispatchWorkgroups(1, 1);
        pass.end();
        raw.queue.submit([encoder.finish()]);
      },
      finish: submitted,
    },
    {
      name: "the backend's, its number read back each time",
      kernels: 1,
      waits: true,
      run: () => device.discard(device.run('copy', 1, 1, [one, 0, 1])),
      finish: () => device.read(one),
    },
    {
      name: 'by hand, its number read back each time',
      kernels: 1,
      waits: true,
      run: () => dispatch(raw, rawKernel, group, [1, 1]),
      finish: () => readBack(raw, kept),
    },
  ];
  return {
    calls,
    async close() {
      device.discard(one);
      resident.delete();
      await finish();
      await gpu.destroy();
      for (const buffer of [x, params, kept]) buffer.destroy();
    },
  };
}
