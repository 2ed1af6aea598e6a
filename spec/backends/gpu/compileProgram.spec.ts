import { beforeAll, describe, expect, it, test } from 'vitest';
import { compileProgram, expectMode } from '../../../src/backends/gpu/compileProgram.ts';
import { loadGpuJs, type Gpu, type GpuJs, type Kernel } from '../../../src/backends/gpu/gpuJs.ts';
import { program as programOf, type KernelThread, type Program } from '../../../src/backends/gpu/kernels/kernel.ts';
import { programs } from '../../../src/backends/gpu/programs.ts';
import { UnsupportedBackendError } from '../../../src/errors.ts';

const named = Object.entries(programs);

test.each(named)('%s takes an argument for each parameter of its text', (_, { source, takes }) => {
  expect(source).toHaveLength(takes.length);
});

it('kinds that do not fit the parameters are a type error', () => {
  function scaled(this: KernelThread, x: number[], factor: number): number {
    return x[this.thread.x] * factor;
  }
  expect(programOf(scaled, ['array', 'float']).takes).toEqual(['array', 'float']);
  // @ts-expect-error an array is not a number
  programOf(scaled, ['float', 'array']);
  // @ts-expect-error one is missing
  programOf(scaled, ['array']);
  // @ts-expect-error one is too many
  programOf(scaled, ['array', 'float', 'float']);
});

it('a fall-back is refused, naming what ran and why', async () => {
  const gpuJs = await loadGpuJs();
  const fallen = { kernel: { fallbackReason: 'no adapter', constructor: gpuJs.CPUKernel } } as unknown as Kernel;
  expect(() => expectMode(gpuJs, fallen, 'webgpu')).toThrow(UnsupportedBackendError);
  expect(() => expectMode(gpuJs, fallen, 'webgpu')).toThrow(/webgpu: gpu\.js ran cpu instead: no adapter/);
  expect(() => expectMode(gpuJs, fallen, 'cpu')).not.toThrow();
});

describe('as WGSL', () => {
  let gpuJs: GpuJs;
  beforeAll(async () => {
    gpuJs = await loadGpuJs();
    // The text is made before the device is asked for, so that no adapter is needed to read it.
    (gpuJs.GPU as unknown as { disableValidation: () => void }).disableValidation();
  });

  async function wgsl(program: Program): Promise<string> {
    const gpu = new gpuJs.GPU({ mode: 'webgpu' });
    const made: Kernel[] = [];
    const watched: Gpu = {
      createKernel(source, settings) {
        made.push(gpu.createKernel(source, settings));
        return made[0];
      },
      destroy: () => gpu.destroy(),
    };
    await compileProgram(gpuJs, watched, program, 'webgpu').catch(() => {});
    return (made[0].kernel as unknown as { compiledSource: string }).compiledSource;
  }

  /** What stands in the brackets of the text's array reads. */
  function indices(text: string): string[] {
    return text
      .slice(text.indexOf('fn main'))
      .split(/get_user_\w+\(0, 0, /)
      .slice(1)
      .map((rest) => {
        let depth = 1;
        const end = [...rest].findIndex((char) => (depth += char === '(' ? 1 : char === ')' ? -1 : 0) === 0);
        return rest.slice(0, end);
      });
  }

  // f32 has whole numbers up to 2²⁴ only: an index computed in it would read a large array at the
  // wrong place.
  test.each(named)('%s computes no index in f32', async (_, program) => {
    const found = indices(await wgsl(program));
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((index) => index.includes('f32('))).toEqual([]);
  });
});
