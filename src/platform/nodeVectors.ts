import { setFlagsFromString } from 'node:v8';
import type { WidenVectors } from '../backends/simd/lanes.ts';

/**
 * Turns on V8's revectorizer, which makes one AVX2 operation of two neighbouring WebAssembly SIMD
 * operations that do the same. V8 calls it experimental and leaves it off; it is a flag of the
 * whole process. What it makes is checked and timed before it is used (measureLanes), and runs
 * through the same contract suite as the rest.
 */
export const nodeWidenVectors: WidenVectors = () => {
  const { variables } = process.config as { variables: Record<string, unknown> };
  if (process.arch !== 'x64' || variables.v8_enable_wasm_simd256_revec !== 1) return false;
  setFlagsFromString('--experimental-wasm-revectorize');
  return true;
};
