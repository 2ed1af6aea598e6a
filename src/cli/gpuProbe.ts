/**
 * All ways to run gpu.js, looked at in a process of its own: drivers write to stderr, or crash, as
 * they like.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gpuModes } from '../backends/gpu/gpuMode.ts';
import { gpuPath, type GpuPath } from '../backends/gpu/gpuPath.ts';
import { offerWebGpu } from '../platform/nodeWebGpu.ts';

/** Milliseconds after which a driver that does not answer is given up. */
const PATIENCE = 30_000;

/** Each mode, with what is missing. What drivers print is not shown. */
export async function gpuPathsApart(): Promise<GpuPath[]> {
  const args = [...process.execArgv, fileURLToPath(import.meta.url)];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: PATIENCE, killSignal: 'SIGKILL' });
    // Drivers may write to stdout, too; the answer is the last line.
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as GpuPath[];
  } catch {
    const missing = 'the search for GPUs crashed or did not end. Update the driver.';
    return gpuModes.map((mode) => ({ mode, adapter: null, missing }));
  }
}

async function gpuPaths(): Promise<GpuPath[]> {
  const missing = await offerWebGpu();
  const paths: GpuPath[] = [];
  for (const mode of gpuModes) {
    const path = await gpuPath(mode);
    paths.push(mode === 'webgpu' && missing !== null ? { mode, adapter: null, missing: `${missing}.` } : path);
  }
  return paths;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`\n${JSON.stringify(await gpuPaths())}\n`, () => process.exit(0));
}
