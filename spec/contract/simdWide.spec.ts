/**
 * The kernels for eight lanes, joined by the engine where it can. A file, and so a process, of its
 * own: what the engine is asked for holds for the whole process. Where it cannot join, the same
 * tile runs on pairs of vectors, slower.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { offeredVariants } from '../../src/backends/select.ts';
import { simdBackend, type SimdOptions } from '../../src/backends/simd/simdBackend.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import { nodeWidenVectors } from '../../src/platform/nodeVectors.ts';
import { nodeSpawnWorker } from '../../src/platform/nodeThreads.ts';
import { backendContract } from './backendContract.ts';
import { caseBits } from './caseBits.ts';
import { gradientContract } from './gradients.ts';

// Optimised code from the first call on: what the baseline compiler makes is never joined, and
// small cases would not leave it.
setFlagsFromString('--no-liftoff');
const joins = nodeWidenVectors();

describe.each(offeredVariants())(`simd %s, 8 lanes${joins ? '' : ' (not joined: this engine cannot)'}`, (variant) => {
  const options = (threads: number): SimdOptions => {
    return { memoryBytes: 64 * 2 ** 20, threads, spawn: nodeSpawnWorker, variant, lanes: 8, widen: nodeWidenVectors };
  };
  for (const threads of [1, 2]) backendContract(`${threads} threads`, () => simdBackend(options(threads)));
  gradientContract('gradients', () => simdGradientBackend(options(2)));

  it('gives the bits of four lanes in a process whose engine joins nothing', async () => {
    const script = fileURLToPath(new URL('caseBits.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, variant], { maxBuffer: 2 ** 24 });
    expect(await caseBits(variant, 8, nodeWidenVectors)).toEqual(JSON.parse(stdout));
  });
});
