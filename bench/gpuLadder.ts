/** The ladder to a fast matrix product on WebGPU: the backend's two kernels, and what WGSL by hand makes of the same device. */
import { transposed } from '../src/backends/gpu/linear.ts';
import type { ProgramName } from '../src/backends/gpu/programs.ts';
import { expectSame } from './agree.ts';
import { timeQueued, type Pace } from './batch.ts';
import type { GpuBench } from './gpuBench.ts';
import type { Engine } from './gpuEngines.ts';
import { linearCase, values } from './kernelCases.ts';
import type { Row } from './document.ts';
import { bind, compileWgsl, dispatch, readBack, storage, uniform, uploadStorage } from './rawWebGpu.ts';
import { fourColumns, oneColumn, tiled, type MatmulShader } from './wgslMatmul.ts';

/** Inner and outer features are multiples of 4. */
export type Shape = readonly [rows: number, inFeatures: number, outFeatures: number];

interface Rung {
  name: string;
  run: () => void;
  result: () => Promise<Float32Array>;
  close: () => void;
}

const backendKernels: readonly (readonly [kernel: ProgramName, name: string])[] = [
  ['linear', 'gpu.js, one column a thread'],
  ['linearFour', 'gpu.js, four columns a thread'],
];
/** Rungs by hand. */
export const shaders: readonly MatmulShader[] = [oneColumn, fourColumns, tiled(4), tiled(8)];

/** GFLOP/s of each rung, simd's `linear` first. @throws Error for a result other than simd's. */
export async function ladderRows(
  bench: GpuBench,
  simd: Engine,
  shapes: readonly Shape[],
  byHand: readonly MatmulShader[],
  pace: Pace,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const shape of shapes) rows.push(...(await climb(bench, simd, shape, byHand, pace)));
  return rows;
}

async function climb(
  bench: GpuBench,
  simd: Engine,
  shape: Shape,
  byHand: readonly MatmulShader[],
  pace: Pace,
): Promise<Row[]> {
  const [rows, k, n] = shape;
  const title = `matmul ${rows}×${k}×${n}`;
  console.error(`bench:gpu: ${title}`);
  const yardstick = linearCase(rows, k, n).prepare(simd.backend);
  const rungs = [...gpuJsRungs(bench, shape), ...(await wgslRungs(bench, shape, byHand))];
  const expected = await yardstick.result();
  for (const { name, result } of rungs) expectSame(`${title}, ${name}`, await result(), expected);
  const measured = await timeQueued(
    [
      { run: yardstick.run, finish: simd.finish, threads: simd.threads },
      ...rungs.map(({ run }) => ({ run, finish: bench.finish, threads: 0 })),
    ],
    pace,
  );
  for (const { close } of [yardstick, ...rungs]) close();
  await bench.finish();
  const backendRung = measured[backendKernels.length].value;
  const gflops = (milliseconds: number): number => (2 * rows * k * n) / 1e6 / milliseconds;
  return measured.map((figures, index): Row => {
    const rung = index === 0 ? null : rungs[index - 1];
    const name = `${title}: ${rung?.name ?? 'simd’s linear'}`;
    const [engine, threads] = rung === null ? [simd.name, simd.threads] : [bench.name, 0];
    const { spread, rounds, byCpu, cpus } = figures;
    const note = `${(backendRung / figures.value).toFixed(2)} × the speed of the backend's kernel`;
    const value = gflops(figures.value);
    const slow = byCpu === null ? null : gflops(byCpu);
    return { name, engine, threads, unit: 'GFLOP/s', value, spread, rounds, byCpu: slow, cpus, share: null, note };
  });
}

function gpuJsRungs({ device }: GpuBench, [rows, k, n]: Shape): Rung[] {
  const x = device.upload(values(rows * k), rows, k);
  const packed = device.upload(transposed(values(n * k, 0.05), n, k, values(n)), k + 1, n);
  return backendKernels.map(([kernel, name], index) => ({
    name,
    run: () => device.discard(device.run(kernel, rows, n, [x, 0, packed, n, k])),
    result() {
      const out = device.run(kernel, rows, n, [x, 0, packed, n, k]);
      const read = device.read(out);
      device.discard(out);
      return read;
    },
    close: () => (index === 0 ? [x, packed].forEach((buffer) => device.discard(buffer)) : undefined),
  }));
}

async function wgslRungs({ raw }: GpuBench, [rows, k, n]: Shape, byHand: readonly MatmulShader[]): Promise<Rung[]> {
  const x = uploadStorage(raw, values(rows * k));
  const packed = uploadStorage(raw, transposed(values(n * k, 0.05), n, k, values(n)));
  const size = uniform(raw, Uint32Array.of(rows, k, n, 0));
  const out = storage(raw, 4 * rows * n);
  const rungs: Rung[] = [];
  for (const { name, code, covers } of byHand) {
    const kernel = await compileWgsl(raw, code, 2);
    const group = bind(raw, kernel, [size, x, packed, out]);
    const groups = [Math.ceil(rows / covers[0]), Math.ceil(n / covers[1])] as const;
    const run = (): void => dispatch(raw, kernel, group, groups);
    rungs.push({
      name,
      run,
      result() {
        run();
        return readBack(raw, out);
      },
      close: () => [x, packed, size, out].forEach((buffer) => buffer.destroy()),
    });
  }
  return rungs;
}
