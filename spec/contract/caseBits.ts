/**
 * What a SIMD backend gives for every named and tall case, as digests: to compare processes whose
 * engines compile the kernels differently. `node caseBits.ts VARIANT` prints those of four lanes as
 * JSON.
 */
import { createHash } from 'node:crypto';
import type { KernelVariant, Lanes } from '../../src/backends/simd/kernels.ts';
import type { WidenVectors } from '../../src/backends/simd/lanes.ts';
import { simdBackend } from '../../src/backends/simd/simdBackend.ts';
import { simdGradientBackend } from '../../src/backends/simd/simdGradientBackend.ts';
import { namedCases, tallCases } from './caseTable.ts';
import { runGradientCase } from './gradientCase.ts';
import { tallGradientCases } from './gradients.ts';
import { prepareCase, runCase } from './opCase.ts';

export async function caseBits(
  variant: KernelVariant,
  lanes: Lanes,
  widen: WidenVectors | null,
): Promise<Record<string, string>> {
  const options = { memoryBytes: 64 * 2 ** 20, threads: 1, spawn: null, variant, lanes, widen };
  const digests: Record<string, string> = {};
  const inference = await simdBackend(options);
  for (const opCase of [...namedCases, ...tallCases]) {
    const prepared = prepareCase(inference, opCase);
    digests[opCase.name] = digest([await runCase(inference, opCase, prepared)]);
    prepared.free();
  }
  await inference.dispose();
  const training = await simdGradientBackend(options);
  for (const some of tallGradientCases) digests[`∂ ${some.name}`] = digest(await runGradientCase(training, some));
  await training.dispose();
  return digests;
}

function digest(results: readonly Float32Array[]): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of results) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

if (process.argv[1] === import.meta.filename) {
  console.log(JSON.stringify(await caseBits(process.argv[2] === 'plain' ? 'plain' : 'relaxed-fma', 4, null)));
}
