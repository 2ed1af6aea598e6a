/**
 * The rungs of the ladder that leads to `linear` (assembly/ladder.ts), for lessons, specs and
 * benches. No model runs on them, so they are a module of their own: the digest in a journal's
 * header does not depend on them. Not part of the package.
 */
import { compileKernels, decodeBase64, instantiate, type Kernel, type KernelVariant } from './kernels.ts';
import { plainLadderKernels, relaxedLadderKernels } from './ladderKernels.generated.ts';
import type { WasmMemory } from './webAssembly.ts';

/** Arguments of each: out, x, w (row-major [n, k]), k, n, and the range of rows. */
export const ladderNames = ['linearScalar', 'linearVector', 'linearTiled'] as const;

/**
 * The ladder's rungs over `memory`, in the order of `ladderNames`; null where the engine does not
 * offer the variant.
 */
export function instantiateLadder(variant: KernelVariant, memory: WasmMemory): Kernel[] | null {
  // Whether the engine fuses is seen from the kernels of inference.
  if (compileKernels(variant) === null) return null;
  const bytes = decodeBase64(variant === 'plain' ? plainLadderKernels : relaxedLadderKernels);
  const exported = instantiate(new WebAssembly.Module(bytes), memory);
  return ladderNames.map((name) => exported[name] as Kernel);
}
